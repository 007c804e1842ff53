"""A model's answers to many pictures, and the time each took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from training.evaluate.engines import Answer
from training.evaluate.model_file import ModelFile
from training.evaluate.views import Way
from training.export.runners import read_pixels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

WARM_UP = 5


@dataclass(frozen=True)
class Answers:
    """Of `n` pictures: `probabilities` `[n, classes]`.

    Where the model shows them, `energy` `[n]` and `embedding` `[n, features]` too.
    `times_ms` `[n]`: one picture in memory to one answer, batch 1, one thread.
    """

    probabilities: Floats
    times_ms: Floats
    energy: Floats | None = None
    embedding: Vectors | None = None

    @property
    def predicted(self) -> Ints:
        """Most probable class `[n]`."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> Floats:
        """Probability of that class `[n]`."""
        return np.asarray(self.probabilities.max(axis=1))


def ask_all(
    model: ModelFile, files: Sequence[Path], ways: Sequence[Way], console: Console, what: str
) -> list[Answers]:
    """Answers per way. Each picture goes all ways in turn, so that a busy machine hurts all alike.

    Raises BadInput that names the first picture that cannot be read.
    """
    answers: list[list[Answer]] = [[] for _ in ways]
    times: list[list[float]] = [[] for _ in ways]
    quiet = not console.is_terminal  # in a log the bar would only leave empty lines
    with _one_thread():
        first = read_pixels(files[0])
        for way in ways:
            for _ in range(WARM_UP):
                way.ask(model, first)
        for file in track(files, what, console=console, transient=True, disable=quiet):
            picture = read_pixels(file)
            for number, way in enumerate(ways):
                began = time.perf_counter()
                answers[number].append(way.ask(model, picture))
                times[number].append((time.perf_counter() - began) * 1e3)
    return [_joined(rows, taken) for rows, taken in zip(answers, times, strict=True)]


def _joined(rows: list[Answer], times_ms: list[float]) -> Answers:
    energy = [row.energy for row in rows if row.energy is not None]
    embedding = [row.embedding for row in rows if row.embedding is not None]
    return Answers(
        probabilities=np.concatenate([row.probabilities for row in rows]).astype(np.float64),
        times_ms=np.array(times_ms),
        energy=np.concatenate(energy).astype(np.float64) if energy else None,
        embedding=np.concatenate(embedding) if embedding else None,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread; ONNX sessions are made with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
