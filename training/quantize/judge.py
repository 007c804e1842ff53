"""How good, how large and how fast a model file is, beside others in the same minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from training.evaluate.probability_scores import nll
from training.export.runners import Runner, onnx_runner

ROUNDS, A_ROUND, WARM_UP = 30, 4, 5
TIMED_SIDE_PX = 224


@dataclass(frozen=True)
class Judged:
    """Figures of one model on the same pictures; `probabilities` are `[pictures, classes]`."""

    accuracy: float
    nll: float
    probabilities: NDArray[np.float32]


def judge_model(
    model: onnx.ModelProto, pictures: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Judged:
    """Answer `[n, h, w, 3]`, one at a time, as the line does."""
    run = onnx_runner(model.SerializeToString())
    probabilities = np.concatenate([run(picture[None]) for picture in pictures])
    right = probabilities.argmax(1) == labels
    return Judged(float(right.mean()), nll(probabilities, labels), probabilities)


def latencies_ms(models: Mapping[str, onnx.ModelProto]) -> dict[str, float]:
    """Median milliseconds a picture of 224 × 224 takes each model, on one thread.

    They take turns, so that whatever else the machine does troubles all alike.
    """
    runs: dict[str, Runner] = {
        name: onnx_runner(model.SerializeToString()) for name, model in models.items()
    }
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1, TIMED_SIDE_PX, TIMED_SIDE_PX, 3), dtype=np.uint8)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(WARM_UP):
            run(picture)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            for _ in range(A_ROUND):
                began = time.perf_counter()
                run(picture)
                times[name].append((time.perf_counter() - began) * 1e3)
    return {name: float(np.median(taken)) for name, taken in times.items()}
