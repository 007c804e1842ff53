"""Virtual time: what happens when, one entry in SimPy's schedule for each thing that does."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, cast

import simpy
from simpy.events import NORMAL


class Happening:
    """Something that is bound to happen, and what it is about."""

    __slots__ = ("about", "action")

    def __init__(self, action: Callable[[Any], None], about: Any) -> None:
        self.action = action
        self.about = about


Action = Callable[[Happening], None]


class Agenda(simpy.Environment):
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
        happening = cast(simpy.Event, Happening(action, about))
        heappush(self._queue, (due_s, NORMAL, next(self._eid), happening))

    def step(self) -> None:
        """SimPy's own, but for a `Happening`, which has one callback and cannot fail."""
        queue = self._queue
        happening: object = queue[0][3] if queue else None
        if type(happening) is Happening:
            self._now = heappop(queue)[0]
            happening.action(happening)
        else:
            super().step()
