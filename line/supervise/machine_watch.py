"""Looks at the machine while the belt runs."""

from __future__ import annotations

from collections.abc import Sequence

from line.observe.machine import Machine
from line.observe.status import Status
from line.supervise.machine_readings import granted_cores, reading

_PHASES = {"running", "draining"}
"""Before and after, processes start and end, which is no news of the line."""


class MachineWatch:
    """Fills `status.machine`."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def look(self, now: float, pids: Sequence[int]) -> None:
        """To be called about once a second with the processes that were started."""
        began = self._status.belt_started
        if self._status.phase not in _PHASES or began is None or now < began:
            return
        found = reading(pids)
        if found is None:
            return
        if self._status.machine is None:
            self._status.machine = Machine(granted_cores())
        self._status.machine.take(found)
