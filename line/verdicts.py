"""The rules that turn an answer, or its absence, into an item's outcome.

An item belongs to a class; every class has a bin with an ejector except the residue class, which
runs off the end of the belt. Where the truth is unknown the line is taken at its word: an ejected
item counts as `sorted`, one left for residue as `residue_ok`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from line.messages import Frame, Result, Unseen
from line.outcome import UNLIKE, Outcome, Verdict, encode_top3


class Ranked(NamedTuple):
    """An answer: the best class, its probability, in full and as rows have it, and `top3`."""

    predicted: str
    confidence: float
    shown_confidence: float
    top3: str


def rank(classes: Sequence[str], probabilities: Sequence[float]) -> Ranked:
    """`probabilities` stand in the order of `classes`; of equals the first is the best."""
    ranking = sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])
    predicted, confidence = ranking[0]
    return Ranked(predicted, confidence, round(confidence, 5), encode_top3(ranking))


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides outcomes. `classes` stand in the order of the model's probabilities."""

    classes: Sequence[str]
    residue_class: str
    threshold: float
    promised: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    """predicted class → a threshold of its own"""
    novelty_energy: float = field(default=math.inf, kw_only=True)
    """what is stranger than this stays on the belt"""

    def classified(
        self,
        frame: Frame,
        result: Result,
        worker: str,
        attempts: int,
        dispatched: float | None,
        now: float,
    ) -> Outcome:
        """The outcome of an item that a model answered for at monotonic time `now`.

        `dispatched`: monotonic time at which `worker` was given the frame, if that is known.
        """
        predicted, confidence, shown_confidence, top3 = self.ranked(result.probabilities)
        triggered, slack_s = frame.triggered, frame.deadline - now
        # Compared as the row has it, so that whoever reads the row finds the same.
        energy = None if result.energy is None else round(result.energy, 4)
        unlike = energy is not None and energy > self.novelty_energy
        verdict = self.verdict(frame.true_class, predicted, confidence, slack_s, unlike=unlike)
        return Outcome(
            camera=frame.camera,
            seq=frame.seq,
            scheduled_s=round(frame.scheduled_s, 6),
            true_class=frame.true_class,
            mass_g=frame.mass_g,
            picture_crc32=frame.picture_crc32,
            published_ms=_ms(frame.published - triggered),
            dispatched_ms=_since(triggered, dispatched),
            verdict=verdict,
            reason=UNLIKE if unlike and verdict is Verdict.LOW_CONFIDENCE else "",
            attempts=attempts,
            predicted_class=predicted,
            confidence=shown_confidence,
            top3=top3,
            low_confidence=unlike or confidence < self.threshold_of(predicted),
            latency_ms=_ms(now - triggered),
            slack_ms=_ms(slack_s),
            worker=worker,
            model=result.model,
            queue_ms=_ms(result.started - triggered),
            inference_ms=_ms(result.inference_s),
            energy=energy,
        )

    def knows(self, model: str) -> bool:
        """Whether a model with this short hash may answer."""
        return True

    def ranked(self, probabilities: Sequence[float]) -> Ranked:
        """What an answer says, in the words of a row."""
        return rank(self.classes, probabilities)

    def threshold_of(self, predicted: str) -> float:
        """Answers of this class that are less sure stay on the belt."""
        return self.promised.get(predicted, self.threshold)

    def verdict(
        self,
        truth: str | None,
        predicted: str,
        confidence: float,
        slack_s: float,
        *,
        unlike: bool = False,
    ) -> Verdict:
        """Of an answered item; `slack_s` is the time left to its deadline.

        `unlike`: it is stranger than the limit.
        """
        if slack_s < 0:
            return Verdict.LATE
        if unlike or confidence < self.threshold_of(predicted):
            return Verdict.LOW_CONFIDENCE
        right = truth is None or predicted == truth
        if predicted == self.residue_class:
            return Verdict.RESIDUE_OK if right else Verdict.MISSED
        return Verdict.SORTED if right else Verdict.MISSORTED


def unanswered(
    frame: Frame, verdict: Verdict, reason: str, attempts: int, dispatched: float | None
) -> Outcome:
    """The outcome of a frame that no model answered for; `dispatched`: last given to a worker."""
    return Outcome(
        camera=frame.camera,
        seq=frame.seq,
        scheduled_s=round(frame.scheduled_s, 6),
        true_class=frame.true_class,
        mass_g=frame.mass_g,
        picture_crc32=frame.picture_crc32,
        published_ms=_ms(frame.published - frame.triggered),
        dispatched_ms=_since(frame.triggered, dispatched),
        verdict=verdict,
        reason=reason,
        attempts=attempts,
    )


def unseen(item: Unseen) -> Outcome:
    """The outcome of an item that never became a frame."""
    return Outcome(
        camera=item.camera,
        seq=item.seq,
        scheduled_s=round(item.scheduled_s, 6),
        true_class=item.true_class,
        mass_g=item.mass_g,
        verdict=item.verdict,
        reason=item.reason,
    )


def _since(triggered: float, moment: float | None) -> float | None:
    return None if moment is None else _ms(moment - triggered)


def _ms(seconds: float) -> float | None:
    """In whole microseconds; `round` would take three times as long."""
    microseconds = 1e6 * seconds + 0.5
    return math.floor(microseconds) / 1000 if math.isfinite(microseconds) else None
