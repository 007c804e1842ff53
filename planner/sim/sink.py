"""The CSV log in virtual time: takes what has come, writes it, acknowledges."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from line.messages import Key
from line.outcome import Outcome
from planner.sim.event_queue import EventQueue, Process, TimedCall

OnRow = Callable[[Outcome], None]


class DispatcherLink(Protocol):
    """Whom the log answers."""

    def stored(self, keys: Sequence[Key]) -> None: ...


class Log(Process):
    """`on_row` hears of every item's row once, in the order of the file."""

    def __init__(
        self, queue: EventQueue, name: str, dispatcher: DispatcherLink, on_row: OnRow
    ) -> None:
        super().__init__(queue, name, "sink")
        self._dispatcher = dispatcher
        self._on_row = on_row
        self._rows: set[Key] = set()
        """written, not acknowledged to their cameras; they survive the process"""
        self._inbox: deque[tuple[float, Sequence[Outcome]]] = deque()
        """messages of the dispatcher, and when they are ready to be written"""
        self._arrived_s = 0.0
        self._is_awake = False

    def receive(self, rows: Sequence[Outcome], ready_s: float) -> None:
        """The dispatcher has sent them together; they will be ready to be written at `ready_s`."""
        if ready_s > self._arrived_s:
            self._arrived_s = ready_s
        self._inbox.append((self._arrived_s, rows))
        if not self._is_awake:
            self._wake()

    def forget(self, key: Key) -> None:
        """Nobody will send this item again."""
        self._rows.discard(key)

    def discard(self) -> None:
        """What has come and is not written comes again: the dispatcher is a new one."""
        self._inbox.clear()

    def die(self) -> None:
        super().die()
        self.discard()
        self._is_awake = False
        self._arrived_s = 0.0

    def _wake(self) -> None:
        if not self._is_awake and self._inbox:
            self._is_awake = True
            self.queue.at(self._inbox[0][0], self._store, self.incarnation)

    def _store(self, timed_call: TimedCall) -> None:
        if timed_call.about != self.incarnation or not self.is_up:
            return
        if self.frozen_until_s and self.is_frozen(self._store, timed_call):
            return
        now = self.queue.now
        inbox = self._inbox
        keys: list[Key] = []
        while inbox and inbox[0][0] <= now:
            for outcome in inbox.popleft()[1]:
                key = (outcome.camera, outcome.seq)
                keys.append(key)
                if key not in self._rows:
                    self._rows.add(key)
                    self._on_row(outcome)
        self._is_awake = False
        if keys:
            self._dispatcher.stored(keys)
        if inbox:
            self._wake()
