"""Classify picture files outside the line: one answer, or one reason, for each file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from line import pictures
from line.errors import BadInput, ModelError, PictureError
from line.plain_text import plain
from pictures.picture_file import SUFFIXES
from workers.model import Model

_LONGEST_REASON = 1000
"""With the path."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one file. `ranking`: (class, probability), best first."""

    path: Path
    ranking: list[tuple[str, float]]
    low_confidence: bool
    true_class: str | None
    """name of the folder that the file lies in, if it is one of the model's classes"""
    latency_ms: float
    """duration of the inference, reading the file not included"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A file without an answer: it cannot be read, or the model fails on it. `reason` names it."""

    path: Path
    reason: str


def picture_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and all pictures below the folders named, in order.

    Raises:
        BadInput: for a path that is not there and a folder without pictures.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(
                p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()
            )
            if not found:
                raise BadInput(f"{path}: holds no pictures")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise BadInput(f"{path}: no such file or folder")
    return files


def classify(
    model: Model,
    files: Sequence[Path],
    threshold: float,
    max_pixels: float,
    max_bytes: float = math.inf,
) -> Iterator[Answer | Unanswered]:
    """Answers in the order of the files; one that gets no answer does not stop the others."""
    classes = model.facts.classes
    for path in files:
        try:
            picture = pictures.read(path, max_pixels, max_bytes)
        except PictureError as error:
            yield Unanswered(path, plain(str(error), _LONGEST_REASON))
            continue
        started = perf_counter()
        try:
            probabilities = model.classify(picture[None])[0].tolist()
        except ModelError as error:
            yield Unanswered(path, plain(f"{path}: the model {error}", _LONGEST_REASON))
            continue
        latency_ms = 1000 * (perf_counter() - started)
        ranking = ranked(classes, probabilities)
        truth = path.parent.name
        yield Answer(
            path=path,
            ranking=ranking,
            low_confidence=ranking[0][1] < threshold,
            true_class=truth if truth in classes else None,
            latency_ms=latency_ms,
        )


def ranked(classes: Sequence[str], probabilities: Sequence[float]) -> list[tuple[str, float]]:
    """(class, probability) of all classes, best first."""
    return sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])
