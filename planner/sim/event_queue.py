"""Virtual time: what happens when, and what the processes that live in it have in common."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any


class TimedCall:
    """Something that is bound to happen, and what it is about."""

    __slots__ = ("about", "action")

    def __init__(self, action: Callable[[Any], None], about: Any) -> None:
        self.action = action
        self.about = about


Action = Callable[[TimedCall], None]


class EventQueue:
    """Calls in the order of their times, and of those at one moment in the order of their making.

    Times are virtual seconds of the wall clock since belt second 0. A call costs a third of a
    SimPy process that is resumed, and the twin has some five of them for an item.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        """scheduled so far"""
        self._heap: list[tuple[float, int, TimedCall]] = []
        self._is_over = False

    def at(self, moment_s: float, action: Callable[[Any], None], about: Any = None) -> None:
        """Have `action` called at a moment; at once, but after what is due now, if it is past."""
        now = self.now
        # Rounded as a delay would be: it settles who is first of those due at one moment.
        due_s = now + (moment_s - now) if moment_s > now else now
        heappush(self._heap, (due_s, self.events, TimedCall(action, about)))
        self.events += 1

    def run(self) -> None:
        """Make the calls until one of them, or of those that are due with it, was `end`."""
        heap = self._heap
        while not self._is_over:
            self.now, _, timed_call = heappop(heap)
            timed_call.action(timed_call)

    def end(self) -> None:
        """Have `run` return after what is due now."""
        self.at(self.now, self._end)

    def _end(self, _: TimedCall) -> None:
        self._is_over = True


class Process:
    """One incarnation after the other, under one name."""

    def __init__(self, queue: EventQueue, name: str, role: str) -> None:
        self.queue = queue
        self.name = name
        self.role = role
        self.incarnation = 1
        self.identity = f"{name}#1"
        """as rows name it"""
        self.is_up = True
        self.since_s = 0.0
        """moment at which this incarnation was ready"""
        self.frozen_until_s = 0.0

    def die(self) -> None:
        """All that it held is gone."""
        self.is_up = False
        self.frozen_until_s = 0.0

    def revive(self) -> None:
        """A fresh incarnation serves."""
        self.incarnation += 1
        self.identity = f"{self.name}#{self.incarnation}"
        self.is_up = True
        self.since_s = self.queue.now

    def freeze(self, until_s: float) -> None:
        """It does nothing until then."""
        self.frozen_until_s = until_s

    def is_frozen(self, action: Action, timed_call: TimedCall) -> bool:
        """Whether what happens has to wait; then it will happen again when it need not."""
        if not self.frozen_until_s or self.queue.now >= self.frozen_until_s:
            return False
        self.queue.at(self.frozen_until_s, action, timed_call.about)
        return True
