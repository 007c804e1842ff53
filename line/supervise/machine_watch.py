"""Looks at the machine while the belt runs, and keeps a trace of it in the run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from line.observe.machine import Machine, Reading
from line.observe.processor_bill import SUPERVISOR
from line.observe.status import Status
from line.run_files.machine_trace import MachineMoment, MachineTrace
from line.supervise.machine_readings import ProcessorClocks, granted_cores

_PHASES = {"running", "draining"}
"""Before and after, processes start and end, which is no news of the line."""
_LOOK_S = 1.0
"""Between two moments that the status hears of, and at which processes are told apart."""


class MachineWatch:
    """Fills `status.machine`, and the trace."""

    def __init__(self, status: Status, run_dir: Path) -> None:
        self._status = status
        self._trace = MachineTrace(run_dir)
        self._clocks = ProcessorClocks()
        self._first: MachineMoment | None = None
        self._before_s: dict[str, float] = {}
        """of each process when it was first looked at"""
        self._next_look = 0.0

    def look(self, now: float, started: Mapping[str, int]) -> None:
        """To be called several times a second with the processes (name → pid) that there are."""
        began = self._status.belt_started
        if self._status.phase in _PHASES and began is not None and now >= began:
            self._sample(now - began, started, closely=now >= self._next_look)

    def end(self, now: float, started: Mapping[str, int]) -> None:
        """The belt has ended: the last moment, and what has not been written yet."""
        if self._first is not None and self._status.belt_started is not None:
            self._sample(now - self._status.belt_started, started, closely=True)

    def close(self) -> None:
        self._clocks.close()

    def _sample(self, at_s: float, started: Mapping[str, int], *, closely: bool) -> None:
        if closely:
            self._clocks.find(started)
        found = self._clocks.read(started)
        if found is None:
            return
        self._trace.add(self._moment(at_s, found))
        if closely:
            self._next_look = found.at + _LOOK_S
            self._tell(at_s, {SUPERVISOR: time.process_time(), **self._clocks.seconds})
            if self._status.machine is None:
                self._status.machine = Machine(granted_cores())
            self._status.machine.take(found)

    def _moment(self, at_s: float, found: Reading) -> MachineMoment:
        clocks = self._clocks
        moment = MachineMoment(
            at_s, found.busy_s, found.steal_s, found.line_s, clocks.workers_s, clocks.waiting_s
        )
        if self._first is None:
            self._first = moment
        return moment.since(self._first)

    def _tell(self, at_s: float, seconds: Mapping[str, float]) -> None:
        """Write what has been used since each process was first looked at."""
        for name, spent_s in seconds.items():
            self._before_s.setdefault(name, spent_s)
        used = {name: spent_s - self._before_s[name] for name, spent_s in seconds.items()}
        self._trace.flush(at_s, used)
