"""`machine.csv` and `processes.csv`: what the processors did while the belt of a run moved.

Both hold running totals in seconds of processor, from the first line on, at wall seconds since belt
second 0. `machine.csv` has a line each 0.2 s, `processes.csv` one for each process a second, of all
its lives, and one for those that it has started in turn. The totals of a resumed session begin at 0
again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from line.plain_text import plain
from line.run_files.line_logs import LineFile
from line.run_files.results import read_rows

MACHINE = "machine.csv"
PROCESSES = "processes.csv"
CHILDREN = "/children"
"""Behind the name of a process: those that it has started."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class MachineMoment:
    """Totals at a moment."""

    at_s: float
    busy_s: float
    """of all programs on the cores that the line may use"""
    steal_s: float
    """taken by the host of a virtual machine"""
    line_s: float
    """of all of the line's processes"""
    workers_s: float
    """of its workers alone"""
    waiting_s: float
    """that workers could have run and waited for a core, because somebody else had it"""

    def since(self, first: MachineMoment) -> MachineMoment:
        """What was added; `at_s` stays."""
        added = [
            max(0.0, mine - its) for mine, its in zip(self._totals, first._totals, strict=True)
        ]
        return MachineMoment(self.at_s, *added)

    def after(self, last: MachineMoment) -> MachineMoment:
        """Both together; `at_s` stays."""
        both = [mine + its for mine, its in zip(self._totals, last._totals, strict=True)]
        return MachineMoment(self.at_s, *both)

    @property
    def _totals(self) -> tuple[float, ...]:
        return self.busy_s, self.steal_s, self.line_s, self.workers_s, self.waiting_s


@dataclass(frozen=True, slots=True)
class ProcessMoment:
    """The total of one process at a moment."""

    at_s: float
    processor_s: float


_COLUMNS = tuple(field.name for field in fields(MachineMoment))
_PROCESS_COLUMNS = ("at_s", "process", "processor_s")


class MachineTrace:
    """The supervisor's side. Lines wait for `flush`; what finds no room is written later."""

    def __init__(self, run_dir: Path) -> None:
        self._machine = LineFile(run_dir / MACHINE, header=_line(*_COLUMNS))
        self._processes = LineFile(run_dir / PROCESSES, header=_line(*_PROCESS_COLUMNS))
        self._lines: list[bytes] = []

    def add(self, moment: MachineMoment) -> None:
        """To be written with the next `flush`."""
        self._lines.append(_line(*(f"{value:.4f}" for value in astuple(moment))))

    def flush(self, at_s: float, processes: Mapping[str, float]) -> None:
        """Write what waits, and the totals of all processes at a moment."""
        if self._lines:
            self._machine.append(b"".join(self._lines))
            self._lines.clear()
        rows = (_line(f"{at_s:.4f}", name, f"{spent:.4f}") for name, spent in processes.items())
        self._processes.append(b"".join(rows))


def _line(*cells: str) -> bytes:
    return f"{','.join(cells)}\n".encode()


def read_machine(run_dir: Path) -> list[MachineMoment]:
    """All moments of a run, in their order; totals go on from one session to the next.

    Raises:
        BadInput: the file cannot be read, or names the line that is damaged.
    """
    moments: list[MachineMoment] = []
    base = last = MachineMoment(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for found in read_rows(run_dir / MACHINE, _moment, needed=_COLUMNS):
        if found.line_s < last.line_s:  # another session
            base = base.after(last)
        moments.append(found.after(base))
        last = found
    return moments


def read_processes(run_dir: Path) -> dict[str, list[ProcessMoment]]:
    """By process, as `read_machine`."""
    found: defaultdict[str, list[ProcessMoment]] = defaultdict(list)
    for name, moment in read_rows(run_dir / PROCESSES, _process, needed=_PROCESS_COLUMNS):
        found[name].append(moment)
    return {name: _going_on(moments) for name, moments in found.items()}


def _going_on(moments: list[ProcessMoment]) -> list[ProcessMoment]:
    whole: list[ProcessMoment] = []
    base = last = 0.0
    for moment in moments:
        if moment.processor_s < last:
            base += last
        last = moment.processor_s
        whole.append(ProcessMoment(moment.at_s, base + last))
    return whole


def _moment(row: Mapping[str, str]) -> MachineMoment:
    return MachineMoment(*(_seconds(row, name) for name in _COLUMNS))


def _process(row: Mapping[str, str]) -> tuple[str, ProcessMoment]:
    name = plain(row["process"], _LONGEST_NAME)
    return name, ProcessMoment(_seconds(row, "at_s"), _seconds(row, "processor_s"))


def _seconds(row: Mapping[str, str], name: str) -> float:
    value = float(row[name])
    if not (math.isfinite(value) and 0 <= value <= 1e12):
        raise ValueError(f"{name}: {plain(row[name])} is no number of seconds")
    return value
