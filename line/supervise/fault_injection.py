"""Carries out the scenario's timed faults, as far as they are done to processes from outside.

The first lane's camera says when one is due: the line has one clock for its faults. Those that act
on pictures and belts need nobody here but are recorded like the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from line.events import Event, Freeze, Kill, Slow
from line.observe.status import Status
from line.run_files.session import Session
from line.supervise.child import Child


@dataclass(frozen=True, slots=True)
class _Lasting:
    event: Freeze | Slow
    ends: float
    """monotonic time"""
    victim: str
    """incarnation that was there when it began"""


class Faults:
    """Owned by the supervisor, which lends it the living `children` by name."""

    def __init__(self, status: Status, session: Session, children: Mapping[str, Child]) -> None:
        self._events = status.settings.events
        self._status = status
        self._session = session
        self._children = children
        self._lasting: list[_Lasting] = []

    def begin(self, number: int) -> Event | None:
        """Event `number` is due; None if there is none, or a restarted camera says so again."""
        if number >= len(self._events) or not self._session.inject(number):
            return None
        event = self._events[number]
        child = self._children.get(event.process)
        if isinstance(event, Kill) and child is not None:
            child.kill()
        if isinstance(event, Freeze | Slow):
            # On the `max` clock belt time is no measure of how long a process should suffer.
            speed = 1.0 if self._status.clock == "max" else self._status.clock
            ends = monotonic() + event.duration_s / speed
            self._lasting.append(_Lasting(event, ends, child.identity if child else ""))
            if child is not None:
                self._inject(event, child)
        return event

    def greet(self, child: Child) -> None:
        """A new process suffers what still lasts; it is not frozen for its predecessor."""
        for lasting in self._lasting:
            if isinstance(lasting.event, Slow) and lasting.event.process == child.spec.name:
                self._inject(lasting.event, child)

    @property
    def next_end(self) -> float:
        """Monotonic time at which the next one has lasted long enough; infinite without one."""
        return min((lasting.ends for lasting in self._lasting), default=math.inf)

    def end_due(self, now: float) -> None:
        """End what has lasted long enough."""
        over = [lasting for lasting in self._lasting if lasting.ends <= now]
        self._lasting = [lasting for lasting in self._lasting if lasting.ends > now]
        for lasting in over:
            child = self._children.get(lasting.event.process)
            if child is None:
                continue
            if isinstance(lasting.event, Slow):
                child.channel.send("slow", factor=1)
            elif child.identity == lasting.victim:
                child.thaw()

    @staticmethod
    def _inject(event: Freeze | Slow, child: Child) -> None:
        if isinstance(event, Freeze):
            child.freeze()
        else:
            child.channel.send("slow", factor=event.factor)


def describe(events: tuple[Event, ...], session: Session) -> list[dict[str, object]]:
    """The faults that were carried out, in their order, for `run.json`."""
    described = []
    for done in session.injected:
        event = events[done.number]
        facts = event.model_dump(mode="json", exclude={"role", "index"})
        described.append({**facts, "process": event.process, "injected_at": done.at})
    return described
