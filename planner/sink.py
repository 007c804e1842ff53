"""A sink in virtual time: takes what has come, writes it, acknowledges, rests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from line.deliveries import GATHER_S
from line.messages import Key
from line.outcome import Outcome
from planner.agenda import Agenda, Happening
from planner.process import Process

OnRow = Callable[[Outcome], None]


class Employer(Protocol):
    """Whom the sink answers."""

    def stored(self, sink: str, keys: Sequence[Key], truth: Sequence[Outcome]) -> None: ...


class Sink(Process):
    """One that follows the log."""

    def __init__(self, agenda: Agenda, name: str, employer: Employer) -> None:
        super().__init__(agenda, name, "sink")
        self._employer = employer
        self._inbox: deque[tuple[float, Outcome]] = deque()
        self._arrived_s = self._rested_s = 0.0
        self._is_awake = False

    def receive(self, outcome: Outcome, ready_s: float) -> None:
        """The dispatcher has sent it; it will be ready to be written at `ready_s`."""
        if ready_s > self._arrived_s:
            self._arrived_s = ready_s
        self._inbox.append((self._arrived_s, outcome))
        if not self._is_awake:
            self._wake()

    def discard(self) -> None:
        """What has come and is not written comes again: the dispatcher is a new one."""
        self._inbox.clear()

    def die(self) -> None:
        super().die()
        self.discard()
        self._is_awake = False
        self._arrived_s = self._rested_s = 0.0

    def _wake(self) -> None:
        if not self._is_awake and self._inbox:
            self._is_awake = True
            self.agenda.at(max(self._inbox[0][0], self._rested_s), self._store, self.incarnation)

    def _store(self, happening: Happening) -> None:
        if happening.about != self.incarnation or not self.is_up:
            return
        if self.frozen_until_s and self.is_frozen(self._store, happening):
            return
        now = self.agenda.now
        inbox = self._inbox
        batch: list[Outcome] = []
        while inbox and inbox[0][0] <= now:
            batch.append(inbox.popleft()[1])
        self._rested_s = now + GATHER_S
        self._is_awake = False
        if batch:
            truth = self._write(batch)
            self._employer.stored(self.name, [(row.camera, row.seq) for row in batch], truth)
        if inbox:
            self._wake()

    def _write(self, batch: Sequence[Outcome]) -> list[Outcome]:
        """Returns the rows that stood already."""
        return []


class Log(Sink):
    """The CSV log. `on_row` hears of every item's row once, in the order of the file."""

    def __init__(self, agenda: Agenda, name: str, employer: Employer, on_row: OnRow) -> None:
        super().__init__(agenda, name, employer)
        self._on_row = on_row
        self._rows: dict[Key, Outcome] = {}
        """written, not acknowledged to their cameras; they survive the process"""

    def forget(self, key: Key) -> None:
        """Nobody will send this item again."""
        self._rows.pop(key, None)

    def _write(self, batch: Sequence[Outcome]) -> list[Outcome]:
        truth = []
        for outcome in batch:
            key = (outcome.camera, outcome.seq)
            if key in self._rows:
                truth.append(self._rows[key])
            else:
                self._rows[key] = outcome
                self._on_row(outcome)
        return truth
