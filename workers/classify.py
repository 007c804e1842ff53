"""Classify picture files outside the line: an answer or a reason each, as a table or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line import pictures
from line.errors import BadInput, ModelError, PictureError
from line.plain_text import plain
from pictures.picture_folder import FoundPictures, in_words
from workers.model import Model

NO_PROMISE: Mapping[str, float] = {}
_LONGEST_REASON = 1000
"""With the path."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one file. `ranking`: (class, probability), best first."""

    path: Path
    ranking: list[tuple[str, float]]
    low_confidence: bool
    energy: float | None
    """as rows have it; None: the model gives none"""
    unlike: bool
    """its energy is above the limit"""
    true_class: str | None
    """name of the folder that the file lies in, if it is one of the model's classes"""
    latency_ms: float
    """duration of the inference, reading the file not included"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A file without an answer: it cannot be read, or the model fails on it. `reason` names it."""

    path: Path
    reason: str


def picture_files(
    paths: Sequence[Path], say: Callable[[str], None] = lambda text: None
) -> list[Path]:
    """The files named, and all pictures below the folders named, in order.

    `say` hears what is passed over in a folder.

    Raises:
        BadInput: for a path that is not there and a folder without pictures.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += _pictures_below(path, say)
        elif path.is_file():
            files.append(path)
        else:
            raise BadInput(f"{path}: no such file or folder")
    return files


def _pictures_below(folder: Path, say: Callable[[str], None]) -> list[Path]:
    try:
        found = FoundPictures.below(folder)
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror or error}") from None
    others = in_words(found.passed_over)
    if not found.paths:
        raise BadInput(
            f"{folder}: holds no pictures" + (f"; passed over: {others}" if others else "")
        )
    if others:
        say(f"{folder}: passed over {others}")
    return [folder / path for path in found.paths]


def classify(
    model: Model,
    files: Sequence[Path],
    threshold: float,
    max_pixels: float,
    max_bytes: float = math.inf,
    promised: Mapping[str, float] = NO_PROMISE,
    novelty_energy: float = math.inf,
) -> Iterator[Answer | Unanswered]:
    """Answers in the order of the files; one that gets no answer does not stop the others.

    `promised`: class → a threshold of its own. `novelty_energy`: what is stranger has low
    confidence as well.
    """
    classes = model.facts.classes
    for path in files:
        try:
            picture = pictures.read(path, max_pixels, max_bytes)
        except PictureError as error:
            yield Unanswered(path, plain(str(error), _LONGEST_REASON))
            continue
        started = perf_counter()
        try:
            given = model.answers(picture[None])
        except ModelError as error:
            yield Unanswered(path, plain(f"{path}: the model {error}", _LONGEST_REASON))
            continue
        latency_ms = 1000 * (perf_counter() - started)
        ranking = ranked(classes, given.probabilities[0].tolist())
        energy = None if given.energies is None else round(float(given.energies[0]), 4)
        unlike = energy is not None and energy > novelty_energy
        truth = path.parent.name
        yield Answer(
            path=path,
            ranking=ranking,
            low_confidence=unlike or ranking[0][1] < promised.get(ranking[0][0], threshold),
            energy=energy,
            unlike=unlike,
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
                "energy": a.energy,
                "unlike": a.unlike,
                "true_class": a.true_class,
                "latency_ms": round(a.latency_ms, 2),
            }
            for a in answered
        ]
        rows += [{"path": str(a.path), "error": a.reason} for a in unanswered]
        print(json.dumps(rows, indent=1))
    else:
        _print_table(answered, top, out)
        judged = [a for a in answered if a.true_class is not None]
        if len(judged) > 1:
            right = sum(a.ranking[0][0] == a.true_class for a in judged)
            out.print(
                f"\n{right} of {len(judged)} as their folders say ({right / len(judged):.1%})"
            )
    for failure in unanswered:
        err.print(failure.reason, style="red", soft_wrap=True, markup=False)
    return len(unanswered)


def _print_table(answers: Sequence[Answer], top: int, out: Console) -> None:
    """On a terminal as wide as it is; in a pipe as wide as the longest path wants it."""
    before = out.width
    try:
        if not out.is_terminal:
            out.width = _UNLIMITED  # no table is printed wider than the console
        out.print(_table(answers, top, out.width), crop=False)
    finally:
        out.width = before


_GAP = 2
_UNLIMITED = 100_000
"""Columns of a pipe: whoever reads it wants whole paths."""
_CONFIDENCE = len("confidence")
_LEAST_NAME = 16
"""Columns of a picture's name below which other things are left out."""


def _table(answers: Sequence[Answer], top: int, width: int) -> Table:
    """As wide as it may be: first the next classes go, then the ends of long paths stay."""
    names = [plain(str(a.path), _LONGEST_PATH) for a in answers]
    nexts = ["  ".join(f"{n} {p:.1%}" for n, p in a.ranking[1:top]) for a in answers]
    class_cells = max((len(a.ranking[0][0]) for a in answers), default=0)
    room = width - class_cells - _CONFIDENCE - 2 * _GAP
    low = "low confidence"
    if room - len(low) - _GAP < _LEAST_NAME:
        low = "low"
    room -= (len(low) + _GAP) * any(a.low_confidence for a in answers)
    next_cells = max(map(len, nexts), default=0) + _GAP
    shows_next = room - next_cells >= min(max(map(len, names), default=0), _LEAST_NAME)
    room = max(room - next_cells * shows_next, _LEAST_NAME // 2)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for heading in ("picture", "class", "confidence", ""):
        justify: Literal["left", "right"] = "right" if heading == "confidence" else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    if shows_next:
        table.add_column("next", no_wrap=True)
    for name, following, a in zip(names, nexts, answers, strict=True):
        best, p = a.ranking[0]
        shown = name if len(name) <= room else f"…{name[1 - room :]}"
        mark = Text("unlike" if a.unlike else low if a.low_confidence else "", style="yellow")
        rest = (Text(following, style="dim"),) if shows_next else ()
        table.add_row(Text(shown), Text(best), f"{p:.1%}", mark, *rest)
    return table
