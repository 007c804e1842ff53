"""What a run's results.csv tells of its own timing.

Every row says when its inference began and ended and when the item was decided, all measured from
a trigger whose moment is known. So the rows of a run, put side by side, are a record of who was
busy when.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """An item that a model answered for. Times in wall seconds since belt second 0."""

    worker: str
    truth: str | None
    triggered_s: float
    published_s: float
    dispatched_s: float
    started_s: float
    ended_s: float
    decided_s: float
    top3: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Inference:
    """One run of the model."""

    worker: str
    started_s: float
    ended_s: float
    dispatched_s: float
    """of its last frame"""
    batch: int
    busy: int
    """workers in an inference when this one began, itself included"""

    @property
    def duration_ms(self) -> float:
        return 1000 * (self.ended_s - self.started_s)


def read_answers(path: Path, speed: float = 1.0) -> list[Answer]:
    """The answered items of a results.csv, in the order in which their inferences began.

    `speed`: the run's clock multiplier.
    """
    with path.open(encoding="utf-8", newline="") as file:
        answers = [_answer(row, speed) for row in csv.DictReader(file) if row["latency_ms"]]
    return sorted(answers, key=lambda answer: answer.started_s)


def _answer(row: dict[str, str], speed: float) -> Answer:
    triggered_s = float(row["scheduled_s"]) / speed
    started_s = triggered_s + float(row["queue_ms"]) / 1000
    return Answer(
        worker=row["worker"],
        truth=row["true_class"] or None,
        triggered_s=triggered_s,
        published_s=triggered_s + float(row["published_ms"]) / 1000,
        dispatched_s=triggered_s + float(row["dispatched_ms"]) / 1000,
        started_s=started_s,
        ended_s=started_s + float(row["inference_ms"]) / 1000,
        decided_s=triggered_s + float(row["latency_ms"]) / 1000,
        top3=row["top3"],
        confidence=float(row["confidence"]),
    )


_SAME_S = 5e-6
"""Rows of one batch agree on its start to the microsecond that their columns keep."""


def inferences(answers: Sequence[Answer]) -> list[Inference]:
    """The runs of the model behind `answers`, in the order in which they began."""
    batches: list[list[Answer]] = []
    for _, own in groupby(sorted(answers, key=lambda a: (a.worker, a.started_s)), _worker):
        last_s = float("-inf")
        for answer in own:
            if answer.started_s - last_s > _SAME_S:
                batches.append([])
            batches[-1].append(answer)
            last_s = answer.started_s
    batches.sort(key=lambda batch: batch[0].started_s)
    starts = sorted(batch[0].started_s for batch in batches)
    ends = sorted(batch[0].ended_s for batch in batches)
    found = []
    for batch in batches:
        first = batch[0]
        begun, over = bisect_right(starts, first.started_s), bisect_left(ends, first.started_s)
        found.append(
            Inference(
                worker=first.worker,
                started_s=first.started_s,
                ended_s=first.ended_s,
                dispatched_s=max(answer.dispatched_s for answer in batch),
                batch=len(batch),
                busy=max(1, begun - over),
            )
        )
    return found


def turnarounds_ms(runs: Sequence[Inference], hop_s: float) -> list[float]:
    """Pauses of workers between two inferences, where the next frame was at hand.

    That is so if it was given to the worker more than `hop_s` before the first of the two ended.
    """
    by_worker: defaultdict[str, list[Inference]] = defaultdict(list)
    for run in runs:
        by_worker[run.worker].append(run)
    return [
        1000 * max(0.0, after.started_s - this.ended_s)
        for own in by_worker.values()
        for this, after in pairwise(own)
        if after.dispatched_s + hop_s < this.ended_s
    ]


def pictures_ms(answers: Sequence[Answer]) -> list[float]:
    """Times between two pictures of a camera that could not keep up: it made one after the other.

    That is so if an item was at the photo-eye before the picture of the one before it had left.
    """
    published = sorted(answers, key=lambda answer: answer.published_s)
    return [
        1000 * (after.published_s - before.published_s)
        for before, after in pairwise(published)
        if after.triggered_s < before.published_s
    ]


def _worker(answer: Answer) -> str:
    return answer.worker
