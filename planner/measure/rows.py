"""What a run's results.csv tells of its own timing.

Every row says when its inference began and ended and when the item was decided, all measured from
a trigger whose moment is known. So the rows of a run, put side by side, are a record of who was
busy when.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from line.plain_text import text_of
from line.run_files.results import read_rows


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
    company: float
    """workers at work meanwhile, itself included, on average"""

    @property
    def duration_ms(self) -> float:
        return 1000 * (self.ended_s - self.started_s)


def read_answers(path: Path, speed: float = 1.0) -> list[Answer]:
    """The answered items of a results.csv, in the order in which their inferences began.

    `speed`: the run's clock multiplier.
    """
    found = read_rows(path, lambda row: _answer(row, speed) if row["latency_ms"] else None)
    answers = [answer for answer in found if answer is not None]
    return sorted(answers, key=lambda answer: answer.started_s)


def _answer(row: Mapping[str, str], speed: float) -> Answer:
    triggered_s = float(row["scheduled_s"]) / speed
    started_s = triggered_s + float(row["queue_ms"]) / 1000
    return Answer(
        worker=text_of(row["worker"]),
        truth=text_of(row["true_class"]) or None,
        triggered_s=triggered_s,
        published_s=triggered_s + float(row["published_ms"]) / 1000,
        dispatched_s=triggered_s + float(row["dispatched_ms"]) / 1000,
        started_s=started_s,
        ended_s=started_s + float(row["inference_ms"]) / 1000,
        decided_s=triggered_s + float(row["latency_ms"]) / 1000,
        top3=text_of(row["top3"]),
        confidence=float(row["confidence"]),
    )


_SAME_S = 5e-6
"""Rows of one batch agree on its start to the microsecond that their columns keep."""


def inferences(answers: Sequence[Answer]) -> list[Inference]:
    """The runs of the model behind `answers`, in the order in which they began."""
    batches: list[list[Answer]] = []
    spans: list[tuple[float, float]] = []
    for _, own in groupby(sorted(answers, key=lambda a: (a.worker, a.started_s)), _worker):
        mine: list[list[Answer]] = []
        for answer in own:
            if not mine or answer.started_s - mine[-1][-1].started_s > _SAME_S:
                mine.append([])
            mine[-1].append(answer)
        batches += mine
        spans += _at_work(mine)
    batches.sort(key=lambda batch: batch[0].started_s)
    company = _Company(spans)
    return [
        Inference(
            worker=batch[0].worker,
            started_s=batch[0].started_s,
            ended_s=batch[0].ended_s,
            dispatched_s=_dispatched_s(batch),
            batch=len(batch),
            company=company.of(batch[0].started_s, batch[0].ended_s),
        )
        for batch in batches
    ]


def _at_work(batches: Sequence[list[Answer]]) -> Iterator[tuple[float, float]]:
    """A worker's stretches of work: it does not rest while the next frame is at hand."""
    began_s = batches[0][0].started_s
    for this, after in pairwise(batches):
        if _dispatched_s(after) > this[0].ended_s:
            yield began_s, this[0].ended_s
            began_s = after[0].started_s
    yield began_s, batches[-1][0].ended_s


def _dispatched_s(batch: Sequence[Answer]) -> float:
    return max(answer.dispatched_s for answer in batch)


class _Company:
    """How many stretches of work there are at a time."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        changes = sorted(
            change for began_s, ended_s in spans for change in ((began_s, 1), (ended_s, -1))
        )
        self._moments_s = np.array([moment_s for moment_s, _ in changes])
        at_work = np.cumsum([change for _, change in changes])
        self._work_s = np.concatenate([[0.0], np.cumsum(at_work[:-1] * np.diff(self._moments_s))])

    def of(self, began_s: float, ended_s: float) -> float:
        """On average."""
        before_s, after_s = np.interp([began_s, ended_s], self._moments_s, self._work_s)
        return max(1.0, float(after_s - before_s) / max(ended_s - began_s, 1e-9))


def ms(seconds: float) -> float:
    """As a profile keeps it: milliseconds, not negative, to four digits behind the point."""
    return round(max(0.0, 1000 * seconds), 4)


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


def pictures_ms(answers: Sequence[Answer], publish_ms: float) -> list[float]:
    """Times that a camera took over pictures which it began at the photo-eye, one at a time.

    `publish_ms`: from a finished picture until it has left. It falls into the time of the next one
    where that has waited for it.
    """
    published = sorted(answers, key=lambda answer: answer.published_s)
    times_ms = []
    for before, after in pairwise(published):
        if after.triggered_s < before.published_s:
            times_ms.append(1000 * (after.published_s - before.published_s))
        else:
            times_ms.append(1000 * (after.published_s - after.triggered_s) - publish_ms)
    return times_ms


def _worker(answer: Answer) -> str:
    return answer.worker
