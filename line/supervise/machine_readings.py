"""What the machine's processors did, read from the kernel."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from line.observe.machine import Cores, Machine, Reading
from line.observe.status import Status
from line.process.priority import usable_cores
from line.process.processor_time import descendants, process_s

_STAT = Path("/proc/stat")
_BUSY = (0, 1, 2, 5, 6)
"""Columns of a processor's line in /proc/stat, see proc(5): user, nice, system, irq, softirq."""
_STEAL = 7
_GROUPS = Path("/proc/self/cgroup")
_GROUP_FILES = Path("/sys/fs/cgroup")
_PHASES = {"running", "draining"}
"""Before and after, processes start and end, which is no news of the line."""


class MachineWatch:
    """Looks at the machine while the belt runs; fills `status.machine`."""

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


def granted_cores() -> Cores:
    """Those that this process may run on, and how much of them its control group grants."""
    usable = usable_cores()
    return Cores(usable, min([float(usable), *_quotas()]))


def reading(pids: Iterable[int]) -> Reading | None:
    """Now; `pids`: the processes that this one has started. None where the system does not say."""
    try:
        lines = _STAT.read_text(encoding="ascii").splitlines()
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        busy = steal = 0
        wanted = {f"cpu{number}" for number in _processors()}
        for line in lines:
            name, *columns = line.split()
            if name in wanted:
                ticks = [int(column) for column in columns[: _STEAL + 1]]
                busy += sum(ticks[column] for column in _BUSY)
                steal += ticks[_STEAL] if len(ticks) > _STEAL else 0
    except (OSError, ValueError, IndexError):
        return None
    if not wanted or not busy:
        return None
    return Reading(time.monotonic(), busy * tick_s, steal * tick_s, _line_s(pids))


def _line_s(pids: Iterable[int]) -> float:
    """Of this process, those that it has started, and theirs; ended or not."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = {pid for parent in pids for pid in (parent, *descendants(parent))}
    ended_s = ended.ru_utime + ended.ru_stime
    return time.process_time() + ended_s + sum(map(process_s, living))


def _processors() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _quotas() -> list[float]:
    """Processors that the control groups of this process grant, as far as they limit them."""
    found: list[float] = []
    with suppress(OSError, ValueError):
        for line in _GROUPS.read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "cpu" not in kinds.split(","):
                continue
            root = _GROUP_FILES / "cpu" if kinds else _GROUP_FILES
            own = Path(path.lstrip("/"))
            for group in (own, *own.parents):  # in a container the root is the group itself
                quota = _quota_v1(root / group) if kinds else _quota_v2(root / group)
                if quota is not None:
                    found.append(quota)
    return found


def _quota_v2(group: Path) -> float | None:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    return None


def _quota_v1(group: Path) -> float | None:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota = int((group / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((group / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return None if quota <= 0 else quota / period
    return None
