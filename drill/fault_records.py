"""Faults injected from outside, and the watch over how long each takes to heal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from drill.plan import Injection
from drill.subject import Process, Subject


class _RowAfter:
    """Whether a row was written since something came true."""

    def __init__(self) -> None:
        self._logged: int | None = None

    def look(self, is_true: bool, subject: Subject) -> bool:
        if not is_true:
            self._logged = None
            return False
        logged = subject.bytes_logged()
        if self._logged is None:
            self._logged = logged
        return logged > self._logged


@dataclass(slots=True)
class Blow:
    """One process hit; back when its replacement is ready and a row was written after that."""

    victim: Process
    struck: float = field(default_factory=monotonic)
    back_s: float | None = None
    _row: _RowAfter = field(default_factory=_RowAfter)

    def look(self, subject: Subject, processes: Sequence[Process]) -> None:
        if self.back_s is None and self._row.look(self._is_replaced(processes), subject):
            self.back_s = monotonic() - self.struck

    def _is_replaced(self, processes: Sequence[Process]) -> bool:
        return any(
            each.ready and each.name == self.victim.name and each.pid != self.victim.pid
            for each in processes
        )


@dataclass(slots=True)
class FaultRecord:
    """One injected fault.

    It is healed when nothing is left to be done about it, every process that was hit is back, and
    a row has been written after that.
    """

    injection: Injection
    injected: float = field(default_factory=monotonic)
    blows: dict[str, Blow] = field(default_factory=dict)
    """process → the last blow that it took"""
    strikes: dict[str, float] = field(default_factory=dict)
    """process → monotonic time at which it was first done something to"""
    unfinished: int = 0
    """steps that are still to come, such as lifting a limit again"""
    healed_s: float | None = None
    _row: _RowAfter = field(default_factory=_RowAfter)

    def hit(self, victim: Process) -> None:
        """A process was killed or stopped, perhaps not for the first time."""
        self.blows[victim.name] = Blow(victim)
        self.aim_at(victim.name)

    def aim_at(self, name: str) -> None:
        """Something is done to a process that it may survive."""
        self.strikes.setdefault(name, monotonic())

    def look(self, subject: Subject, processes: Sequence[Process]) -> None:
        """See whether it has healed."""
        if self.healed_s is not None:
            return
        for blow in self.blows.values():
            blow.look(subject, processes)
        is_over = not self.unfinished and all(b.back_s is not None for b in self.blows.values())
        if self._row.look(is_over, subject):
            self.healed_s = monotonic() - self.injected

    def facts(self) -> dict[str, Any]:
        """JSON values; times in seconds, None where it never healed."""
        return {
            "kind": self.injection.kind,
            "variant": self.injection.variant,
            "healed_s": _rounded(self.healed_s),
            "hit": [
                {"process": b.victim.name, "role": b.victim.role, "back_s": _rounded(b.back_s)}
                for b in self.blows.values()
            ],
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
