"""What stands wrong with the line's processes, by the events that tell of its begin and its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from line.section import LOG, SINKS
from sinks.alarm_kinds import (
    ALARM_KINDS,
    ENGINE_FAILED,
    FOLLOWER_BEHIND,
    FOLLOWER_DOWN,
    FOLLOWER_WAITS,
    LOG_WAITS,
    RECORDING_ENDED,
    STAGE_DOWN,
    WORKER_DOWN,
    AlarmKind,
)
from sinks.follower import LineEvent

_DOWN = frozenset({"restart", "given_up", "stopped", "remote_lost"})
_UP = frozenset({"back", "continued", "left", "remote_joined"})
_WAITS = frozenset({"disk_full", "storage"})
_ENDS = frozenset({"restart", "given_up", "left"})
"""Nobody knows any more what a process that is gone was about."""
_WRITES = _ENDS | {"storage_again"}
_CAUGHT_UP = _ENDS | {"caught_up"}
_NEW_SESSION = "resumed"
"""All processes of a session are new."""
_STAGES = ("dispatcher", LOG)
_FOLLOWERS = {*SINKS, "console", "shadow", "placement"} - {LOG}
_MOST = 1000
_KINDS = {kind.name: kind for kind in ALARM_KINDS}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong, with which process, and in what words it was told."""

    kind: AlarmKind
    source: str
    text: str


class LineTroubles:
    """Those that stand now."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Trouble] = {}

    def __iter__(self) -> Iterator[Trouble]:
        return iter(tuple(self._standing.values()))

    def take(self, event: LineEvent) -> None:
        """An event begins a trouble, ends one, or has none to do with."""
        if event.event == _NEW_SESSION:
            self._standing.clear()
        if not event.process:
            return
        if event.event in _UP:
            self._end(_down(event.process), event.process)
        if event.event in _WRITES:
            self._end(_waits(event.process), event.process)
        if event.event in _CAUGHT_UP:
            self._end(FOLLOWER_BEHIND, event.process)
        if event.event in _DOWN:
            self._begin(_down(event.process), event)
        if event.event in _WAITS:
            self._begin(_waits(event.process), event)
        if event.event == "behind":
            self._begin(FOLLOWER_BEHIND, event)
        if event.event == "recording":
            self._begin(RECORDING_ENDED, event)
        if event.event == "engine_failed":
            self._begin(ENGINE_FAILED, event)

    def state(self) -> list[list[str]]:
        """As JSON keeps it."""
        return [[each.kind.name, each.source, each.text] for each in self._standing.values()]

    def restore(self, state: Any) -> None:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        for name, source, text in state:
            kind = _KINDS[name]
            self._standing[kind.name, str(source)] = Trouble(kind, str(source), str(text))

    def _begin(self, kind: AlarmKind, event: LineEvent) -> None:
        if len(self._standing) < _MOST:
            found = Trouble(kind, event.process, event.text)
            self._standing[kind.name, event.process] = found

    def _end(self, kind: AlarmKind, process: str) -> None:
        self._standing.pop((kind.name, process), None)


def _down(process: str) -> AlarmKind:
    """The alarm about a process that does not serve; a worker may be on another machine."""
    if process in _STAGES or process.startswith("camera-"):
        return STAGE_DOWN
    return FOLLOWER_DOWN if process in _FOLLOWERS else WORKER_DOWN


def _waits(process: str) -> AlarmKind:
    return LOG_WAITS if process == LOG else FOLLOWER_WAITS


def alarm_kind(name: object) -> AlarmKind | None:
    """The kind of that name, if there is one."""
    return _KINDS.get(name) if isinstance(name, str) else None
