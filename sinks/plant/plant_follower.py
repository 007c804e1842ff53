"""Follows the rows, alarms, events and labels of a run, and puts them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import BadInput
from line.outcome import Outcome
from line.run_files.said_labels import SaidLabel, said_labels
from sinks.follower import LineEvent
from sinks.plant.attempts import Attempts
from sinks.plant.outlet import Outlet, is_storable

_LABELS_S = 5.0
"""Between two looks at what people have said."""


class PlantFollower:
    """A `Follower` for any outlet, which it closes.

    What was put there is learned from the cursor alone: what comes again counts once there.
    `wait_s`: longest that a call of it is held up by the other end.
    """

    def __init__(
        self,
        run_dir: Path,
        outlet: Outlet,
        *,
        wait_s: float = 0.5,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._review = run_dir / "review"
        self._outlet = outlet
        self._clock = clock
        self._attempts = Attempts(wait_s, clock)
        self._rows_tried = self._events_tried = 0
        """how many of those that come next are being put; 0: none"""
        self._events_put: set[str] = set()
        """of events that are given together with others, which were not put yet"""
        self._labels: list[SaidLabel] = []
        """that were put"""
        self._next_labels = 0.0
        self._news: list[str] = []
        self._label_fault = ""
        self._is_final = False

    # -- see `Follower` ---------------------------------------------------------------------------

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """There is nothing to know but the cursor."""

    def state(self) -> dict[str, Any]:
        return {}

    def take(self, rows: Sequence[Outcome], *, final: bool) -> int:
        """How many of the rows stand there now; raises StorageError while none of them does."""
        if final and not self._is_final:
            self._is_final = True
            self._attempts.hurry()
        batch = rows[: self._rows_tried or len(rows)]
        self._rows_tried = len(batch)
        good = [row for row in batch if is_storable(row)]
        what = [(row.camera, row.seq) for row in batch]
        if good:
            self._attempts.make("rows", what, partial(self._outlet.put_rows, good))
        self._rows_tried = 0
        if len(good) < len(batch):
            self._news += [
                f"{row.frame_id[:80]}: its row has what no row can have, and is left out"
                for row in batch
                if not is_storable(row)
            ]
        return len(batch)

    def take_events(self, events: Sequence[LineEvent]) -> None:
        left = [event for event in events if event.id not in self._events_put]
        while left:
            batch = left[: self._events_tried or len(left)]
            self._events_tried = len(batch)
            ids = [event.id for event in batch]
            self._attempts.make("events", ids, partial(self._outlet.put_events, batch))
            self._events_tried = 0
            self._events_put.update(ids)
            left = left[len(batch) :]
        self._events_put.clear()

    def turn(self) -> None:
        """Now and then look at the labels. Raises StorageError."""
        if self._clock() < self._next_labels:
            return
        labels = self._said()
        if labels != self._labels:
            self._attempts.make("labels", labels, partial(self._outlet.put_labels, labels))
        self._labels = labels
        self._next_labels = self._clock() + _LABELS_S

    def report(self) -> tuple[str, dict[str, Any]]:
        """How far it is the loop says; there is no more."""
        return "beat", {}

    def news(self) -> list[str]:
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Nothing is left to write; a call that has not returned is left alone."""
        if self._attempts.is_idle:
            self._outlet.close()

    # -- inside -----------------------------------------------------------------------------------

    def _said(self) -> list[SaidLabel]:
        """A queue that cannot be read is told of once, and holds up no row."""
        try:
            labels = said_labels(self._review)
        except BadInput as error:
            if str(error) != self._label_fault:
                self._label_fault = str(error)
                self._news.append(f"labels are left out: {error}")
            return self._labels
        self._label_fault = ""
        return labels
