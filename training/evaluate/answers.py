"""A model's answers to many pictures, and the time each took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from training.errors import BadInput
from training.evaluate.engines import Answer
from training.evaluate.model_file import ModelFile
from training.pictures import MEAN_PIXEL, Picture, read_pixels
from training.unreadable import refuse_unreadable


@dataclass(frozen=True)
class Way:
    """One way; `letterbox` keeps the item's shape, `flips` averages four mirror images."""

    letterbox: bool = False
    flips: bool = False

    @property
    def name(self) -> str:
        """Words for tables."""
        used = [n for n, on in (("letterbox", self.letterbox), ("flips", self.flips)) if on]
        return " + ".join(used) or "as it is"

    def ask(self, model: ModelFile, picture: Picture) -> Answer:
        """Ask about one picture `[height, width, 3]`; the answer has one row.

        Mirror images go in one by one, since a file may be made for a single picture. Their
        probabilities are averaged; energy and embedding of four pictures have no one meaning.
        """
        shown = letterboxed(picture, model.aspect) if self.letterbox else picture
        if not self.flips:
            return model.engine.ask(shown[None])
        answers = [model.engine.ask(view[None]).probabilities for view in mirrored(shown)]
        return Answer(np.mean(answers, axis=0))


def ways_to_compare(letterbox: bool, flips: bool) -> list[Way]:
    """The way asked for last, and before it those that show what each part of it brings."""
    ways = [Way()]
    if letterbox:
        ways.append(Way(letterbox=True))
    if flips:
        ways.append(Way(flips=True))
    if letterbox and flips:
        ways.append(Way(letterbox=True, flips=True))
    return ways


def letterboxed(picture: Picture, aspect: float) -> Picture:
    """Pad to `aspect` (height ÷ width) with the mean pixel, the item in the middle.

    Resized to the network's view, the picture then keeps its proportions, at fewer pixels.
    """
    height, width, _ = picture.shape
    wanted = max(height, round(width * aspect)), max(width, round(height / aspect))
    top, left = (wanted[0] - height) // 2, (wanted[1] - width) // 2
    padded = np.empty((*wanted, 3), dtype=np.uint8)
    padded[:] = np.round(MEAN_PIXEL).astype(np.uint8)
    padded[top : top + height, left : left + width] = picture
    return padded


def mirrored(picture: Picture) -> Iterator[Picture]:
    """As it is, left-right, upside down, both; contiguous, as the runtimes want them."""
    for rows in (1, -1):
        for columns in (1, -1):
            yield np.ascontiguousarray(picture[::rows, ::columns])


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

    Raises BadInput that names all pictures that cannot be read, or the first one for which an
    answer is not a number.
    """
    answers: list[list[Answer]] = [[] for _ in ways]
    times: list[list[float]] = [[] for _ in ways]
    quiet = not console.is_terminal  # in a log the bar would only leave empty lines
    first = _read(files, 0)
    for way in ways:
        for _ in range(WARM_UP):
            way.ask(model, first)
    numbers = range(len(files))
    for index in track(numbers, what, console=console, transient=True, disable=quiet):
        picture = _read(files, index)
        for number, way in enumerate(ways):
            began = time.perf_counter()
            answer = way.ask(model, picture)
            times[number].append((time.perf_counter() - began) * 1e3)
            if not answer.is_finite:
                raise BadInput(f"{model.path}: its answer to {files[index]} is not a number")
            answers[number].append(answer)
    return [joined(rows, taken) for rows, taken in zip(answers, times, strict=True)]


def _read(files: Sequence[Path], index: int) -> Picture:
    try:
        return read_pixels(files[index])
    except BadInput:
        refuse_unreadable(files[index:])
        raise


def joined(rows: Sequence[Answer], times_ms: Sequence[float] = ()) -> Answers:
    """Answers of a picture or more each as one; without times where none were taken."""
    energy = [row.energy for row in rows if row.energy is not None]
    embedding = [row.embedding for row in rows if row.embedding is not None]
    return Answers(
        probabilities=np.concatenate([row.probabilities for row in rows]).astype(np.float64),
        times_ms=np.array(times_ms),
        energy=np.concatenate(energy).astype(np.float64) if energy else None,
        embedding=np.concatenate(embedding) if embedding else None,
    )
