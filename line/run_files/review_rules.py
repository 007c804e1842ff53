"""Which items a row proposes for review: one rule, for whoever spools pictures and whoever queues.

It looks at the row alone, so that the dispatcher, which knows an item before its row is written,
and the review sink, which reads the row, say the same. Caps are the review sink's own.
"""

from __future__ import annotations

import zlib
from typing import Literal

from line.outcome import CLASSIFIED, UNLIKE, Outcome, decode_top3
from line.settings import ReviewSettings

Reason = Literal["novelty", "margin", "random"]


def proposal(outcome: Outcome, review: ReviewSettings, seed: int) -> Reason | None:
    """Why the item's picture is worth a person's look; None if it is not.

    "novelty": its energy is above the limit. "margin": the two best classes are close. "random":
    drawn, by the line's seed and the item.
    """
    if not review.enabled or outcome.verdict not in CLASSIFIED or outcome.predicted_class is None:
        return None
    if outcome.reason == UNLIKE:
        return "novelty"
    if margin(outcome) < review.margin:
        return "margin"
    return "random" if is_drawn(outcome.frame_id, review, seed) else None


def margin(outcome: Outcome) -> float:
    """Gap between the two best probabilities; 1 where there is only one class.

    Raises ValueError if the outcome's ranking is none.
    """
    ranking = decode_top3(outcome.top3)
    return ranking[0][1] - ranking[1][1] if len(ranking) > 1 else 1.0


def is_drawn(frame_id: str, review: ReviewSettings, seed: int) -> bool:
    """Whether an item is drawn by lot, by the seed and its name alone: doubtful or not.

    Items that are drawn are a fair sample of all; the rest of the queue is one of what is doubtful.
    """
    return (
        review.enabled and zlib.crc32(f"{seed}/{frame_id}".encode()) / 2**32 < review.random_share
    )
