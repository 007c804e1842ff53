"""Where an item's time went, from its trigger to the decision.

    trigger ─ camera ─ published ─ waiting ─ dispatched ─ handover ─ started ─ inference ─ answer

All moments are the dispatcher's clock in wall milliseconds from the scheduled trigger; those of a
worker on another machine are converted to it, and may be off by what that costs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from line.outcome import Verdict

MEANINGS = {
    "camera": "until its picture left the camera",
    "waiting": "until a worker was free for it",
    "handover": "on its way to the worker, and behind what that had in hand",
    "inference": "in the model, with the batch it was in",
    "answer": "back from the worker, until the decision",
}
"""Every stage, in order, and the words printed beside it."""
Row = Mapping[Hashable, Any]
"""One row of results.csv by column, missing values as NaN."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of an item's way."""

    name: str
    start_ms: float
    end_ms: float

    @property
    def duration_ms(self) -> float:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Course:
    """An item's way through the line. `None`: there was none, or nobody wrote it down."""

    frame_id: str
    verdict: str
    stages: tuple[Stage, ...]
    """those that took any time, without gaps, from the trigger on"""
    decided_ms: float | None
    deadline_ms: float | None

    @property
    def end_ms(self) -> float:
        """The last moment that is known."""
        return self.stages[-1].end_ms if self.stages else 0.0

    @property
    def longest(self) -> Stage | None:
        """The stage that took most of the time."""
        return max(self.stages, key=lambda stage: stage.duration_ms, default=None)


def course(row: Row, deadline_ms: float | None) -> Course:
    """Of a row of results.csv; `deadline_ms` is of an item without an answer: no row says it."""
    known: Row = {name: None if pd.isna(value) else value for name, value in row.items()}
    decided_ms, slack_ms = known["latency_ms"], known["slack_ms"]
    if decided_ms is not None:
        deadline_ms = None if slack_ms is None else decided_ms + slack_ms
    return Course(
        frame_id=str(row["frame_id"]),
        verdict=str(row["verdict"]),
        stages=tuple(_stages(known, deadline_ms)),
        decided_ms=decided_ms,
        deadline_ms=deadline_ms,
    )


class Slowest:
    """The answered items that came nearest to their deadline or furthest beyond it, worst first.

    Without deadlines those that took longest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[tuple[float, Row]] = []

    def add(self, items: pd.DataFrame) -> None:
        """Take the next rows of results.csv; of equals the first count."""
        left_ms = items["slack_ms"].fillna(-items["latency_ms"])
        left_ms = left_ms[items["latency_ms"].notna()]
        if len(self._rows) == self._most:
            left_ms = left_ms[left_ms < self._rows[-1][0]]
        chosen = left_ms.sort_values(kind="stable").iloc[: self._most]
        rows = items.loc[chosen.index].to_dict("records")
        found = [*self._rows, *zip(chosen.tolist(), rows, strict=True)]
        self._rows = sorted(found, key=lambda pair: pair[0])[: self._most]

    def courses(self, deadline_ms: float | None) -> list[Course]:
        """Each item's way through the line."""
        return [course(row, deadline_ms) for _, row in self._rows]


def slowest(items: pd.DataFrame, deadline_ms: float | None, most: int) -> list[Course]:
    """Of some rows, see `Slowest`."""
    found = Slowest(most)
    found.add(items)
    return found.courses(deadline_ms)


def _stages(row: Row, deadline_ms: float | None) -> Iterator[Stage]:
    start_ms = 0.0
    for name, end_ms in _ends(row, deadline_ms):
        if end_ms is not None and end_ms > start_ms:
            yield Stage(name, start_ms, end_ms)
            start_ms = end_ms


def _ends(row: Row, deadline_ms: float | None) -> Iterator[tuple[str, float | None]]:
    """Each stage's end. A stage whose end is not known is part of the next one."""
    published_ms, dispatched_ms, started_ms = (
        row[name] for name in ("published_ms", "dispatched_ms", "queue_ms")
    )
    yield "camera", published_ms
    if started_ms is not None:
        yield "waiting", started_ms if dispatched_ms is None else dispatched_ms
        yield "handover", started_ms
        yield "inference", started_ms + row["inference_ms"]
        yield "answer", row["latency_ms"]
    elif published_ms is not None:
        yield "waiting", dispatched_ms
        if row["verdict"] == Verdict.EXPIRED:
            yield "waiting" if dispatched_ms is None else "handover", deadline_ms
