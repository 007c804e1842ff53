"""The machine that is measured on: what it is, and whether it has its hands free."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import numpy as np
from numpy.typing import NDArray

_CPU_INFO = Path("/proc/cpuinfo")
_STAT = Path("/proc/stat")
_FEWEST = 9
"""Inferences that a median is taken of."""


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def runtime_version() -> str:
    """Of ONNX Runtime."""
    import onnxruntime

    return str(onnxruntime.__version__)  # its package is called otherwise where it knows a GPU


def busy_cores(look_s: float) -> float | None:
    """Cores that others keep busy while this process sleeps for `look_s`.

    None where the system does not tell (it has no /proc).
    """
    before = _used_ticks()
    sleep(look_s)
    after = _used_ticks()
    if before is None or after is None:
        return None
    return (after - before) / os.sysconf("SC_CLK_TCK") / look_s


def bare_inference_s(
    classify: Callable[[NDArray[np.uint8]], object], size_px: tuple[int, int], look_s: float
) -> float:
    """What the model takes over a picture now, nothing beside it: the median.

    A machine that others share is not as fast at all times; this tells one time from another.
    `size_px`: height and width of the picture.
    """
    picture = np.zeros((1, *size_px, 3), np.uint8)
    classify(picture)  # warms up
    times_s: list[float] = []
    began = before = perf_counter()
    while len(times_s) < _FEWEST or before < began + look_s:
        classify(picture)
        after = perf_counter()
        times_s.append(after - before)
        before = after
    return median(times_s)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that the processes have used since they began; 0 where nobody tells."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])  # user and system time
    return ticks / os.sysconf("SC_CLK_TCK")


def _used_ticks() -> int | None:
    """Ticks of all cores in which some process ran, since the machine was started."""
    try:
        times = [int(text) for text in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, _idle, _wait, irq, softirq, _steal = times
    return user + nice + system + irq + softirq
