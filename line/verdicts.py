"""The rules that turn an answer, or its absence, into an item's outcome.

An item belongs to a class; every class has a bin with an ejector except the residue class, which
runs off the end of the belt. Where the truth is unknown the line is taken at its word: an ejected
item counts as `sorted`, one left for residue as `residue_ok`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from line.messages import Frame, Result, Unseen
from line.outcome import Outcome, Verdict, encode_top3


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides outcomes. `classes` stand in the order of the model's probabilities."""

    classes: Sequence[str]
    residue_class: str
    threshold: float

    def classified(
        self, frame: Frame, result: Result, worker: str, attempts: int, now: float
    ) -> Outcome:
        """The outcome of an item that a model answered for at monotonic time `now`."""
        ranking = sorted(
            zip(self.classes, result.probabilities, strict=True), key=lambda pair: -pair[1]
        )
        predicted, confidence = ranking[0]
        return Outcome(
            **_known(frame),
            verdict=self.verdict(frame.true_class, predicted, confidence, frame.deadline - now),
            attempts=attempts,
            predicted_class=predicted,
            confidence=round(confidence, 5),
            top3=encode_top3(ranking),
            low_confidence=confidence < self.threshold,
            latency_ms=_ms(now - frame.triggered),
            slack_ms=_ms(frame.deadline - now),
            worker=worker,
            model=result.model,
            queue_ms=_ms(result.started - frame.triggered),
            inference_ms=_ms(result.inference_s),
        )

    def verdict(
        self, truth: str | None, predicted: str, confidence: float, slack_s: float
    ) -> Verdict:
        """Of an answered item; `slack_s` is the time left to its deadline."""
        if slack_s < 0:
            return Verdict.LATE
        if confidence < self.threshold:
            return Verdict.LOW_CONFIDENCE
        right = truth is None or predicted == truth
        if predicted == self.residue_class:
            return Verdict.RESIDUE_OK if right else Verdict.MISSED
        return Verdict.SORTED if right else Verdict.MISSORTED


def unanswered(frame: Frame, verdict: Verdict, reason: str, attempts: int) -> Outcome:
    """The outcome of a frame that no model answered for."""
    return Outcome(**_known(frame), verdict=verdict, reason=reason, attempts=attempts)


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


def _known(frame: Frame) -> dict[str, Any]:
    return {
        "camera": frame.camera,
        "seq": frame.seq,
        "scheduled_s": round(frame.scheduled_s, 6),
        "true_class": frame.true_class,
        "mass_g": frame.mass_g,
        "picture_crc32": frame.picture_crc32,
    }


def _ms(seconds: float) -> float | None:
    return round(1000 * seconds, 3) if math.isfinite(seconds) else None
