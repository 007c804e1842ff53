"""Faults inflicted from outside, and the watch over how long each takes to heal."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from drill.plan import Injection
from drill.subject import Process, Subject


@dataclass(slots=True)
class Wound:
    """One injected fault.

    It is healed when nothing is left to be done about it, every victim is replaced by a process
    that is ready, and a row has been written after that.
    """

    injection: Injection
    inflicted: float = field(default_factory=monotonic)
    victims: dict[str, int] = field(default_factory=dict)
    """process → pid that is to be replaced"""
    unfinished: int = 0
    """steps that are still to come, such as lifting a limit again"""
    logged_before: int | None = None
    """bytes logged when all victims were first seen replaced"""
    healed_s: float | None = None

    def look(self, subject: Subject, processes: list[Process]) -> None:
        """See whether it has healed."""
        if self.healed_s is not None or self.unfinished:
            return
        now = {process.name: process for process in processes}
        replaced = all(
            name in now and now[name].ready and now[name].pid != pid
            for name, pid in self.victims.items()
        )
        if not replaced:
            self.logged_before = None
            return
        logged = subject.bytes_logged()
        if self.logged_before is None:
            self.logged_before = logged
        elif logged > self.logged_before:
            self.healed_s = monotonic() - self.inflicted
