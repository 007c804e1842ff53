"""Classify picture files outside the line: an answer or a reason each, as a table or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line import pictures
from line.errors import BadInput, ModelError, PictureError
from line.plain_text import plain
from pictures.picture_folder import FoundPictures, in_words
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
            files += _pictures_below(path)
        elif path.is_file():
            files.append(path)
        else:
            raise BadInput(f"{path}: no such file or folder")
    return files


def _pictures_below(folder: Path) -> list[Path]:
    try:
        found = FoundPictures.below(folder)
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror or error}") from None
    if not found.paths:
        others = in_words(found.passed_over)
        raise BadInput(
            f"{folder}: holds no pictures" + (f"; passed over: {others}" if others else "")
        )
    return [folder / path for path in found.paths]


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


_LONGEST_PATH = 1000


def print_answers(
    answers: Sequence[Answer | Unanswered], top: int, as_json: bool, out: Console, err: Console
) -> int:
    """Print the best `top` classes of each file; returns how many files have no answer."""
    unanswered = [a for a in answers if isinstance(a, Unanswered)]
    answered = [a for a in answers if isinstance(a, Answer)]
    if as_json:
        rows: list[dict[str, object]] = [
            {
                "path": str(a.path),
                "top": [{"class": name, "probability": round(p, 5)} for name, p in a.ranking[:top]],
                "low_confidence": a.low_confidence,
                "true_class": a.true_class,
                "latency_ms": round(a.latency_ms, 2),
            }
            for a in answered
        ]
        rows += [{"path": str(a.path), "error": a.reason} for a in unanswered]
        print(json.dumps(rows, indent=1))
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("picture", overflow="fold")
        table.add_column("class", no_wrap=True)
        table.add_column("confidence", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("next", no_wrap=True)
        for a in answered:
            (name, p), *others = a.ranking[:top]
            mark = Text("low confidence" if a.low_confidence else "", style="yellow")
            rest = Text("  ".join(f"{n} {q:.1%}" for n, q in others), style="dim")
            table.add_row(
                Text(plain(str(a.path), _LONGEST_PATH)), Text(name), f"{p:.1%}", mark, rest
            )
        out.print(table)
        judged = [a for a in answered if a.true_class is not None]
        if len(judged) > 1:
            right = sum(a.ranking[0][0] == a.true_class for a in judged)
            out.print(
                f"\n{right} of {len(judged)} as their folders say ({right / len(judged):.1%})"
            )
    for failure in unanswered:
        err.print(failure.reason, style="red", soft_wrap=True, markup=False)
    return len(unanswered)
