"""Processes that do not serve: when that began, when it is over, as events in `events.jsonl`.

A stopped process (SIGSTOP) is told of by the kernel, as a death is; nobody waits for its heartbeat
to stop.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from time import monotonic

from line.run_files.line_logs import EventLog
from line.supervise.child import Child

_MOST_STOPS = 20
_STOPS_S = 60.0
"""A process that flickers is not told of more often in such a time: it would fill the disk."""


class Outages:
    """Of one session. Owned by the supervisor; `events` is its log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._down: dict[str, float] = {}
        """process → monotonic time of its death"""
        self._stopped: dict[str, float] = {}
        """process → monotonic time since which it has been stopped"""
        self._recent: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=_MOST_STOPS)
        )
        """process → when it was stopped of late"""
        self._stops = 0

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
        self._stopped.pop(name, None)

    def _stop(self, child: Child) -> None:
        now, name = monotonic(), child.spec.name
        recent = self._recent[name]
        if len(recent) == _MOST_STOPS and now < recent[0] + _STOPS_S:
            return
        recent.append(now)
        self._stops += 1
        self._stopped[name] = now
        text = f"{name} was stopped by a signal and does nothing"
        self._tell("stopped", child, text)

    def _continue(self, child: Child) -> None:
        name = child.spec.name
        if name not in self._stopped:  # it was stopped and let go since the last look
            self._stop(child)
        since = self._stopped.pop(name, None)
        if since is not None:
            text = f"{name} goes on, {monotonic() - since:.1f} s after it was stopped"
            self._tell("continued", child, text)

    def _tell(self, event: str, child: Child, text: str) -> None:
        event_id = f"{event}-{child.identity}-{self._stops}"
        self._events.append(event_id, event, text, child.spec.name)


def _name(identity: str) -> str:
    return identity.rpartition("#")[0]
