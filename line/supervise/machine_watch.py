"""Looks at the machine once a second while the belt runs."""

from __future__ import annotations

from collections.abc import Sequence

from line.observe.machine import Machine
from line.observe.status import Status
from line.supervise.machine_readings import granted_cores, reading

_LOOK_S = 1.0
_PHASES = {"running", "draining"}
"""Before and after, processes start and end, which is no news of the line."""


class MachineWatch:
    """Fills `status.machine`."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._next = 0.0

    def look(self, now: float, pids: Sequence[int]) -> None:
        """To be called several times a second with the processes that were started."""
        began = self._status.belt_started
        if self._status.phase not in _PHASES or began is None or now < max(began, self._next):
            return
        self._next = now + _LOOK_S
        found = reading(pids)
        if found is None:
            return
        if self._status.machine is None:
            self._status.machine = Machine(granted_cores())
        self._status.machine.take(found)
