"""Processes that do not serve: when that began, when it is over, as events in `events.jsonl`.

A stopped process (SIGSTOP) is told of by the kernel, as a death is; nobody waits for its heartbeat
to stop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from line.run_files.line_logs import EventLog
from line.supervise.child import Child

_TOGETHER_S = 2.0
"""A process that is stopped again so soon is told of once."""


@dataclass(slots=True)
class _Stops:
    """Of one incarnation."""

    number: int = 0
    since: float = 0.0
    ended: float | None = None
    """None while it is stopped"""


class Outages:
    """Of one session. Owned by the supervisor; `events` is its log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._down: dict[str, float] = {}
        """process → monotonic time of its death"""
        self._stops: dict[str, _Stops] = {}

    def died(self, identity: str, how: str) -> None:
        """It is to be started again."""
        name = _name(identity)
        self._events.append(f"restart-{identity}", "restart", f"{name} {how}, restarted", name)
        self._begin(name)

    def given_up(self, identity: str, text: str) -> None:
        """It is not started again."""
        name = _name(identity)
        self._events.append(f"given_up-{identity}", "given_up", text, name)
        self._begin(name)

    def ready(self, identity: str) -> None:
        """A process serves, perhaps in the place of one that died."""
        name = _name(identity)
        since = self._down.pop(name, None)
        if since is not None:
            text = f"{name} serves again, after {monotonic() - since:.1f} s"
            self._events.append(f"back-{identity}", "back", text, name)

    def look(self, children: Mapping[str, Child], needed: Collection[str]) -> None:
        """Ask the kernel who was stopped; forget who is not needed any more."""
        for child in children.values():
            for stopped in child.stops():
                self._stop(child) if stopped else self._continue(child)
        for name in [name for name in self._down if name not in needed]:
            del self._down[name]
            self._events.append(
                f"left-{name}-{monotonic():.3f}", "left", f"{name} is not needed any more", name
            )

    def _begin(self, name: str) -> None:
        self._down.setdefault(name, monotonic())
        self._stops.pop(name, None)

    def _stop(self, child: Child) -> None:
        now, name = monotonic(), child.spec.name
        stops = self._stops.setdefault(name, _Stops())
        if stops.ended is not None and now < stops.ended + _TOGETHER_S:
            stops.ended = None
            return
        stops.number, stops.since, stops.ended = stops.number + 1, now, None
        text = f"{name} was stopped by a signal and does nothing"
        self._events.append(f"stopped-{child.identity}-{stops.number}", "stopped", text, name)

    def _continue(self, child: Child) -> None:
        name = child.spec.name
        if name not in self._stops:  # it was stopped and let go since the last look
            self._stop(child)
        stops = self._stops[name]
        stops.ended = monotonic()
        text = f"{name} goes on, {stops.ended - stops.since:.1f} s after it was stopped"
        event_id = f"continued-{child.identity}-{stops.number}"
        self._events.append(event_id, "continued", text, name)  # the first of an episode is told


def _name(identity: str) -> str:
    return identity.rpartition("#")[0]
