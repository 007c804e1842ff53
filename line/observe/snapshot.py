"""A running line at one moment, in values that nobody changes any more: safe in any thread."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Literal

from line.observe.status import ProcessState, Status

Health = Literal["ok", "starting", "stage down", "stuck", "supervisor silent"]

_SUPERVISOR_SILENT_S = 5.0
"""A supervisor looks around ten times a second."""
_STUCK_S = 10.0
"""With items waiting and no row for so long, or twice a lease, the line is stuck."""
_NOT_DOWN = {"starting", "stopping"}
"""Phases in which it is no news that a stage is not there."""


@dataclass(frozen=True)
class Snapshot:
    """What the supervisor knew at monotonic time `taken`. The notes are the processes' own."""

    taken: float
    phase: str
    hang_s: float
    window_frames: int
    belts: dict[str, dict[str, Any]]
    flow: dict[str, Any]
    stats: dict[str, Any]
    queued: int
    behind: dict[str, int]
    """follower → rows of the log that it has not read yet"""
    alarms_raised: int
    alarms_standing: int
    restarts: dict[str, int]
    malformed: int
    strangers: int
    processes: tuple[ProcessState, ...]
    processor: dict[str, dict[str, float]]
    """process → part → seconds of processor"""
    moved: float
    """monotonic time at which a row was last written, or no item waited for one"""
    stuck_s: float = _STUCK_S

    @classmethod
    def of(cls, status: Status) -> Snapshot:
        return cls(
            taken=monotonic(),
            phase=status.phase,
            hang_s=status.settings.supervisor.hang_s,
            window_frames=status.settings.camera.window_frames,
            belts=copy.deepcopy(status.belts),
            flow=copy.deepcopy(status.flow),
            stats=copy.deepcopy(status.stats),
            queued=status.queued,
            behind=dict(status.behind),
            alarms_raised=status.alarms_raised,
            alarms_standing=len(status.standing_alarms),
            restarts=dict(status.restarts),
            malformed=status.malformed,
            strangers=status.strangers,
            processor=status.bill.seconds(),
            processes=tuple(replace(process) for process in status.processes),
            moved=status.moved,
            stuck_s=max(_STUCK_S, 2 * status.settings.worker.lease_s),
        )

    @property
    def fed(self) -> int:
        """Items that have passed a photo-eye."""
        return sum(note["fed"] for note in self.belts.values())

    def health(self, now: float) -> Health:
        """`ok` while every stage does its work, also while a line drains and ends."""
        if now - self.taken > _SUPERVISOR_SILENT_S:
            return "supervisor silent"
        if self.phase in _NOT_DOWN:
            return "starting" if self.phase == "starting" else "ok"
        if self.stages_down(now):
            return "stage down"
        return "stuck" if now - self.moved > self.stuck_s else "ok"

    def stages_down(self, now: float) -> list[str]:
        """Stages of which nobody is ready and heard of.

        The workers stand in for one another and are one stage; any other process is one by itself,
        but for those who only look on, and a camera whose belt has ended.
        """
        at_work: dict[str, bool] = {}
        for process in self.processes:
            if process.only_looks_on or (process.role, process.state) == ("camera", "gone"):
                continue
            stage = "workers" if process.role == "worker" else process.name
            serves = process.state == "ready" and not self.is_hung(process, now)
            at_work[stage] = at_work.get(stage, False) or serves
        return [stage for stage, serves in at_work.items() if not serves]

    def is_hung(self, process: ProcessState, now: float) -> bool:
        """No sign of life for `supervisor.hang_s`."""
        return process.heard is not None and now - process.heard > self.hang_s

    def facts(self, now: float) -> dict[str, Any]:
        """What /healthz answers; ages in seconds."""
        last_row = self.stats.get("last_row")
        return {
            "status": self.health(now),
            "phase": self.phase,
            "stages_down": self.stages_down(now) if self.phase not in _NOT_DOWN else [],
            "age_s": _age_s(self.taken, now),
            "last_row_age_s": _age_s(last_row, now),
            "fed": self.fed,
            "logged": self.stats.get("logged", 0),
            "processes": [
                {
                    "name": process.name,
                    "role": process.role,
                    "pid": process.pid or None,
                    "incarnation": process.incarnation,
                    "state": "hung" if self.is_hung(process, now) else process.state,
                    "heard_age_s": _age_s(process.heard, now),
                }
                for process in self.processes
            ],
        }


def _age_s(then: float | None, now: float) -> float | None:
    return None if then is None else round(max(0.0, now - then), 3)
