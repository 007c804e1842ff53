"""How fast the engines of this machine are with a model: measured in turns, for about a second."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from line.section import EngineName
from workers.model import Model
from workers.probe import Size, noise

LOOK_S = 1.0
_TURNS = 20
_CPU_INFO = Path("/proc/cpuinfo")
_KINDS = ("avx", "amx", "fma", "sse4", "asimd", "sve", "i8mm", "bf16")
"""How the flags begin that decide which arithmetic an engine uses."""


def processor_flags() -> str:
    """What this processor can do, as far as engines care."""
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        lines = []
    said = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    flags = [flag for flag in said.partition(":")[2].split() if flag.startswith(_KINDS)]
    return " ".join([platform.machine(), *sorted(flags)])


def speeds_ms(models: Mapping[EngineName, Model], size_px: Size) -> dict[EngineName, float]:
    """Milliseconds of one picture of `size_px` (height, width) in each: lower quartiles.

    What others take of the processor only ever adds to a time.

    Raises:
        ModelError: if one fails on it.
    """
    picture = noise(*size_px)
    times: dict[EngineName, list[float]] = {name: [] for name in models}
    for model in models.values():
        model.classify(picture)  # the first run of a shape takes longer
    turn_s = LOOK_S / _TURNS / len(models)
    for _ in range(_TURNS):
        for name, model in models.items():
            times[name] += _times_s(model, picture, turn_s)
    return {name: 1000 * float(np.quantile(values, 0.25)) for name, values in times.items()}


def _times_s(model: Model, picture: NDArray[np.uint8], turn_s: float) -> list[float]:
    """At least one."""
    times: list[float] = []
    until = perf_counter() + turn_s
    while not times or perf_counter() < until:
        began = perf_counter()
        model.classify(picture)
        times.append(perf_counter() - began)
    return times
