"""What became of one item: one frozen record, one row of `results.csv`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class Verdict(StrEnum):
    """The fate of an item; exactly one holds."""

    SORTED = "sorted"  # ejected in time into the right bin
    MISSORTED = "missorted"  # ejected in time into a wrong bin
    RESIDUE_OK = "residue_ok"  # rightly left on the belt
    LOW_CONFIDENCE = "low_confidence"  # left on the belt on purpose
    MISSED = "missed"  # left on the belt wrongly by the classifier
    LATE = "late"  # answered after the deadline
    EXPIRED = "expired"  # the deadline passed before a worker began
    DROPPED = "dropped"  # never left the camera
    FAILED = "failed"  # could not be processed


CLASSIFIED = frozenset(Verdict) - {Verdict.EXPIRED, Verdict.DROPPED, Verdict.FAILED}
"""Verdicts of items that a model answered for."""

IN_TIME = CLASSIFIED - {Verdict.LATE}
"""Verdicts of items that were decided before their deadline."""

# Reasons for which an item was dropped, expired or failed, as rows have them; a model's error on a
# picture, or a picture's that cannot be read, stands in its own words.
CAMERA_DOWN = "the camera was down"
OVERRUN = "overrun: the camera's window was full"
NO_WORKER = "no worker was free before the deadline"
TOO_LATE = "its deadline passed at the worker"
DAMAGED = "its picture was damaged on the way: the checksum differs"
# The one for which an item is left on the belt with low confidence, where it has one.
UNLIKE = "unlike what the model was made of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One item's row. Times in milliseconds are of the wall clock, measured from the trigger.

    `None` stands for "does not apply": no truth, no answer, no deadline (`--speed max`).
    """

    camera: int
    seq: int
    scheduled_s: float
    """belt time of the trigger"""
    true_class: str | None
    predicted_class: str | None = None
    confidence: float | None = None
    top3: str = ""
    """`class:probability` pairs, best first, joined by `|`; empty without an answer"""
    low_confidence: bool = False
    verdict: Verdict
    reason: str = ""
    """why an item was dropped, expired or failed; of one with low confidence `UNLIKE`, where its
    energy is above the limit; empty otherwise"""
    latency_ms: float | None = None
    """trigger to decision"""
    slack_ms: float | None = None
    """decision to deadline; negative = late"""
    worker: str = ""
    """process that answered, as `worker-0#2` (name, incarnation)"""
    attempts: int = 0
    """workers that were given the frame"""
    model: str = ""
    """first 12 hex digits of the model file's SHA-256, then its engine where that is another than
    the default"""
    mass_g: float
    queue_ms: float | None = None
    """trigger to start of inference; no inference starts after the deadline"""
    inference_ms: float | None = None
    """duration of the inference that answered (of the whole batch it was in)"""
    picture_crc32: int | None = None
    """of the picture's bytes as they left the camera"""
    published_ms: float | None = None
    """trigger to the moment at which the frame left the camera; none if it never did"""
    dispatched_ms: float | None = None
    """trigger to the moment at which it was given to the worker that answered, or without an
    answer to the last that had it; none if the dispatcher of now gave it to nobody"""
    energy: float | None = None
    """−ln Σ exp(logit) of the answer: the higher, the stranger; none where the model gives none"""

    @property
    def frame_id(self) -> str:
        """`camera-sequence`, unique in a run."""
        return f"{self.camera}-{self.seq}"


COLUMNS = ("frame_id", *(field.name for field in fields(Outcome)))
"""Columns of results.csv, in order."""
LATER_COLUMNS = frozenset({"energy"})
"""Rows of earlier versions lack these, and are read as if they were empty."""
NEEDED_COLUMNS = tuple(name for name in COLUMNS if name not in LATER_COLUMNS)


def encode_top3(ranking: list[tuple[str, float]]) -> str:
    """The best three of a ranking (best first) as the text of the `top3` column."""
    return "|".join(f"{name}:{probability:.4f}" for name, probability in ranking[:3])


def decode_top3(text: str) -> list[tuple[str, float]]:
    """Inverse of `encode_top3`. Raises ValueError on anything else."""
    pairs = (pair.rsplit(":", 1) for pair in text.split("|") if pair)
    return [(name, float(probability)) for name, probability in pairs]
