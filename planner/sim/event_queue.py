"""Virtual time: what happens when, and what the processes that live in it have in common."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, cast

import simpy
from simpy.events import NORMAL


class TimedCall:
    """Something that is bound to happen, and what it is about."""

    __slots__ = ("about", "action")

    def __init__(self, action: Callable[[Any], None], about: Any) -> None:
        self.action = action
        self.about = about


Action = Callable[[TimedCall], None]


class EventQueue(simpy.Environment):
    """Times are virtual seconds of the wall clock since belt second 0.

    A callback costs a third of a SimPy process that is resumed, and the twin has some five of them
    for an item.
    """

    now = property(attrgetter("_now"))  # read fifteen times an item: at half the price

    @property
    def events(self) -> int:
        """Scheduled so far."""
        return next(copy(self._eid))

    def at(self, moment_s: float, action: Callable[[Any], None], about: Any = None) -> None:
        """Have `action` called at a moment; at once, but after what is due now, if it is past."""
        now = self._now
        # Rounded as SimPy rounds a delay: it settles who is first of those due at one moment.
        due_s = now + (moment_s - now) if moment_s > now else now
        timed_call = cast(simpy.Event, TimedCall(action, about))
        heappush(self._queue, (due_s, NORMAL, next(self._eid), timed_call))

    def step(self) -> None:
        """SimPy's own, but for a `TimedCall`, which has one callback and cannot fail."""
        queue = self._queue
        timed_call: object = queue[0][3] if queue else None
        if type(timed_call) is TimedCall:
            self._now = heappop(queue)[0]
            timed_call.action(timed_call)
        else:
            super().step()


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
