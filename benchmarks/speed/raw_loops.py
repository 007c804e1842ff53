"""Processes that do nothing but run the model over pictures that they hold already."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from time import perf_counter, process_time
from typing import Any

import numpy as np

from line import pictures
from line.errors import StageDied
from workers.model import Model

_SETTLING_FRAMES = 40
"""Run before the clock starts, as the workers do before their first frame."""
_MOST_PIXELS = 1e6
_READY_S = 120.0
_LOOK_S = 0.5


@dataclass(frozen=True)
class RawSpeed:
    """Of all loops together. `processor_ms`: of one frame."""

    fps: float
    processor_ms: float


@dataclass(frozen=True)
class _Lap:
    began: float
    ended: float
    spent_s: float


def measure(model: Path, files: Sequence[Path], loops: int) -> RawSpeed:
    """So many loops at once, each over its share of the pictures.

    Raises:
        StageDied: if one of them ends without an answer.
    """
    spawn = multiprocessing.get_context("spawn")
    answers, together = spawn.Queue(), spawn.Barrier(loops)
    shares = [files[first::loops] for first in range(loops)]
    processes = [
        spawn.Process(target=_loop, args=(model, share, together, answers), daemon=True)
        for share in shares
    ]
    for process in processes:
        process.start()
    laps: list[_Lap] = []
    while len(laps) < loops:
        try:
            laps.append(answers.get(timeout=_LOOK_S))
        except Empty:
            if any(process.exitcode not in (None, 0) for process in processes):
                raise StageDied("a bare loop ended before its time") from None
    for process in processes:
        process.join()
    lasted_s = max(lap.ended for lap in laps) - min(lap.began for lap in laps)
    spent_s = sum(lap.spent_s for lap in laps)
    return RawSpeed(len(files) / lasted_s, 1e3 * spent_s / len(files))


def _loop(path: Path, files: Sequence[Path], together: Barrier, answers: Any) -> None:
    classify = Model.load(path, "onnxruntime").engine.classify
    frames = [pictures.read(file, max_pixels=_MOST_PIXELS) for file in files]
    for picture in frames[:_SETTLING_FRAMES]:
        classify(picture[np.newaxis])
    together.wait(_READY_S)
    began, spent = perf_counter(), process_time()
    for picture in frames:
        classify(picture[np.newaxis])
    answers.put(_Lap(began, perf_counter(), process_time() - spent))
