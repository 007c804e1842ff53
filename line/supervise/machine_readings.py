"""What the machine's processors did, read from the kernel."""

from __future__ import annotations

import math
import os
import resource
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from line.observe.machine import Cores, Reading
from line.process.priority import usable_cores
from line.process.processor_time import descendants, process_s
from line.run_files.machine_trace import CHILDREN

_STAT = Path("/proc/stat")
_BUSY = (0, 1, 2, 5, 6)
"""Columns of a processor's line in /proc/stat, see proc(5): user, nice, system, irq, softirq."""
_STEAL = 7
_STAT_BYTES = 1 << 16
"""Those of the processors come first."""
_TICKS = os.sysconf("SC_CLK_TCK")
"""A second."""
_WORKER = "worker-"
_GROUPS = Path("/proc/self/cgroup")
_GROUP_FILES = Path("/sys/fs/cgroup")


def granted_cores() -> Cores:
    """Those that this process may run on, and how much of them its control group grants."""
    usable = usable_cores()
    return Cores(usable, min([float(usable), *_quotas()]))


class ProcessorClocks:
    """Of the machine, and of the processes that this one has started, with those that they have.

    They are read several times a second, so whatever seldom changes is looked up by `find`.
    """

    def __init__(self) -> None:
        self._started: dict[str, int] = {}
        """process → pid"""
        self._names: dict[int, str] = {}
        """pid → process, or its children"""
        self._living: dict[int, float] = {}
        """pid → seconds"""
        self._beginning_s: dict[int, float] = {}
        """pid of a child → what it had used when it was seen again; infinite until then"""
        self._ended: defaultdict[str, float] = defaultdict(float)
        """process → seconds of its earlier lives"""
        self._wanted: set[bytes] = set()
        """lines of the statistics"""
        self._line_s = 0.0
        self._stat = -1
        self._schedulers: dict[int, int] = {}
        """pid of a worker → descriptor of what the scheduler says of its main thread"""
        self._waiting: dict[int, float] = {}
        """pid of a worker → seconds that its main thread waited for a core"""
        self._ended_waiting_s = 0.0
        self.find({})

    def find(self, started: Mapping[str, int]) -> None:
        """Look for whoever the processes (name → pid) have started in turn."""
        before, living, is_first = self._names, self._living, not self._started
        self._started = dict(started)
        self._names = {pid: name for name, pid in started.items()} | {
            each: f"{name}{CHILDREN}" for name, pid in started.items() for each in descendants(pid)
        }
        for pid in living.keys() - self._names.keys():
            self._ended[before[pid]] += max(0.0, living[pid] - self._beginning_s.pop(pid, 0.0))
        for pid, name in self._names.items():
            if pid in living:
                if self._beginning_s.get(pid) == math.inf:
                    self._beginning_s[pid] = living[pid]
            elif name.endswith(CHILDREN) and not is_first:
                self._beginning_s[pid] = math.inf
        self._living = {pid: living.get(pid, 0.0) for pid in self._names}
        workers = {pid for name, pid in started.items() if name.startswith(_WORKER)}
        for pid in self._schedulers.keys() - workers:
            os.close(self._schedulers.pop(pid))
            self._ended_waiting_s += self._waiting.pop(pid, 0.0)
        for pid in workers - self._schedulers.keys():
            with suppress(OSError):
                path = f"/proc/{pid}/schedstat"
                self._schedulers[pid] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        usable = _processors()
        is_all = len(usable) == os.cpu_count()
        self._wanted = {b"cpu"} if is_all else {b"cpu%d" % number for number in usable}

    def read(self, started: Mapping[str, int]) -> Reading | None:
        """Now. None where the system does not say."""
        if started != self._started:
            self.find(started)
        for pid, before_s in self._living.items():
            self._living[pid] = max(before_s, process_s(pid))
        for pid, fd in self._schedulers.items():
            with suppress(OSError, ValueError, IndexError):
                self._waiting[pid] = int(os.pread(fd, 100, 0).split()[1]) / 1e9
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        line_s = time.process_time() + ended.ru_utime + ended.ru_stime + sum(self._living.values())
        # What a process has started and outlived is in neither, until it has ended itself.
        self._line_s = line_s = max(self._line_s, line_s)
        try:
            busy, steal = self._ticks()
        except (OSError, ValueError, IndexError):
            return None
        return Reading(time.monotonic(), busy / _TICKS, steal / _TICKS, line_s) if busy else None

    @property
    def seconds(self) -> dict[str, float]:
        """By process, of all its lives, as last read; of those that it has started apart.

        Of these without their beginning: it is no work, and as much in the shortest run.
        """
        found = dict.fromkeys(self._started, 0.0) | self._ended
        for pid, spent_s in self._living.items():
            found[self._names[pid]] += max(0.0, spent_s - self._beginning_s.get(pid, 0.0))
        return found

    @property
    def workers_s(self) -> float:
        """Of all workers together."""
        return sum(s for name, s in self.seconds.items() if name.startswith(_WORKER))

    @property
    def waiting_s(self) -> float:
        """That main threads of workers could have run and waited for a core."""
        return self._ended_waiting_s + sum(self._waiting.values())

    def close(self) -> None:
        for fd in (self._stat, *self._schedulers.values()):
            if fd >= 0:
                os.close(fd)
        self._line_s = 0.0
        self._stat = -1
        self._schedulers.clear()

    def _ticks(self) -> tuple[int, int]:
        """Busy and stolen, over all cores that the line may use."""
        if self._stat < 0:
            self._stat = os.open(_STAT, os.O_RDONLY | os.O_CLOEXEC)
        busy = steal = 0
        left = len(self._wanted)
        for line in os.pread(self._stat, _STAT_BYTES, 0).splitlines():
            name, *columns = line.split()
            if name in self._wanted:
                busy += sum(int(columns[column]) for column in _BUSY)
                steal += int(columns[_STEAL]) if len(columns) > _STEAL else 0
                left -= 1
                if not left:
                    break
        return busy, steal


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
