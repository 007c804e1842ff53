"""What `python -m training evaluate --out FOLDER` left: figures, confusion, curves.

Errors of the files are BadInput that names them; what is no evaluation at all is passed over.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput
from line.own_file import LARGEST_JSON, read_regular

BINS = 15
_MOST_POINTS = 400
"""Of a curve: more than a chart is wide gains nothing."""

_LARGEST_TABLE = 50 * 10**6
"""Bytes of a CSV file that is read whole."""

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Judged(_Part):
    """The model that was judged."""

    file: str
    sha256: str
    classes: tuple[str, ...]


class Accuracy(_Part):
    """Share of right answers with its 95 % interval."""

    value: Share
    low: Share
    high: Share
    right: int
    pictures: int


class OfClass(_Part):
    """Figures of one class."""

    precision: Share
    recall: Share
    f1: Share
    pictures: int


class Scores(_Part):
    """Calibration error, negative log likelihood (nats) and Brier score."""

    ece: float
    nll: float
    brier: float


class Calibration(_Part):
    before: Scores


class Selection(_Part):
    aurc: float


class Latency(_Part):
    """Milliseconds a picture, one thread."""

    median_ms: float
    p95_ms: float


class Figures(_Part):
    """metrics.json, as far as it is shown. Further keys are ignored."""

    model: Judged
    data: str
    pictures: int
    accuracy: Accuracy
    macro: dict[str, float]
    per_class: dict[str, OfClass]
    calibration: Calibration
    selection: Selection
    latency: Latency


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures of like confidence: how many, how sure on average, how often right."""

    pictures: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Step:
    """A point of the curve: pictures at least so sure, and how many of them are right."""

    threshold: float
    accepted: int
    right: int

    @property
    def risk(self) -> float:
        return 1 - self.right / self.accepted


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model judged on one folder of pictures."""

    folder: Path
    figures: Figures
    confusion: tuple[tuple[int, ...], ...]
    """[true class][predicted class], in the order of `figures.model.classes`; empty without file"""
    steps: tuple[Step, ...]
    """highest confidence first; empty without the file"""
    has_worst: bool
    """whether there is a page of the worst pictures"""

    @property
    def model_name(self) -> str:
        return Path(self.figures.model.file).name

    @property
    def title(self) -> str:
        return f"{self.model_name} on {self.figures.data}"

    def same_test(self, other: Evaluation) -> bool:
        """Whether both were judged on the same folder: its name, its pictures of each class."""
        counts, others = (
            {name: of.pictures for name, of in one.figures.per_class.items()}
            for one in (self, other)
        )
        return Path(self.figures.data).parts[-2:] == Path(other.figures.data).parts[-2:] and (
            counts == others
        )

    @property
    def risk_coverage(self) -> list[tuple[float, float]]:
        """(coverage, risk), thinned out."""
        every = math.ceil(len(self.steps) / _MOST_POINTS) or 1
        kept = [*self.steps[:-1:every], *self.steps[-1:]]
        return [(step.accepted / self.steps[-1].accepted, step.risk) for step in kept]

    @property
    def reliability(self) -> list[Bin]:
        """Pictures by confidence in bins of equal mass, least sure first.

        Taken from the steps: between two of them lie the pictures of one confidence, which stay
        together.
        """
        groups = [
            (step.threshold, step.accepted - before.accepted, step.right - before.right)
            for before, step in pairwise((Step(1, 0, 0), *self.steps))
        ]
        groups.reverse()
        pictures = sum(count for _, count, _ in groups)
        parts: list[list[tuple[float, int, int]]] = [[] for _ in range(BINS)]
        passed = 0
        for group in groups:
            parts[min(BINS - 1, passed * BINS // pictures)].append(group)
            passed += group[1]
        return [_bin(part) for part in parts if part]


def read_evaluation(folder: Path) -> Evaluation | None:
    """The evaluation in a folder; None if its metrics.json is of something else.

    Raises:
        BadInput: if one of the other files is not what an evaluation writes.
    """
    try:
        text = read_regular(folder / "metrics.json", LARGEST_JSON)
        figures = Figures.model_validate_json(text)
    except (OSError, ValidationError):
        return None
    return Evaluation(
        folder=folder,
        figures=figures,
        confusion=_confusion(folder / "confusion.csv", figures.model.classes),
        steps=_steps(folder / "risk_coverage.csv"),
        has_worst=(folder / "worst.html").is_file(),
    )


def _bin(groups: list[tuple[float, int, int]]) -> Bin:
    pictures = sum(count for _, count, _ in groups)
    return Bin(
        pictures=pictures,
        confidence=sum(confidence * count for confidence, count, _ in groups) / pictures,
        accuracy=sum(right for *_, right in groups) / pictures,
    )


def _confusion(path: Path, classes: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    rows = _rows(path)
    if not rows:
        return ()
    try:
        counts = {row[0]: tuple(int(cell) for cell in row[1:]) for row in rows[1:]}
        matrix = tuple(counts[name] for name in classes)
        if tuple(rows[0][1:]) != classes or any(len(row) != len(classes) for row in matrix):
            raise ValueError
    except (ValueError, KeyError, IndexError):
        raise BadInput(f"{path}: not the confusion of {', '.join(classes)}") from None
    return matrix


def _steps(path: Path) -> tuple[Step, ...]:
    rows = _rows(path)
    try:
        steps = tuple(Step(float(row[0]), int(row[1]), int(row[2])) for row in rows[1:])
        grows = all(a.accepted < b.accepted for a, b in pairwise((Step(1, 0, 0), *steps)))
        if not grows or any(not 0 <= step.threshold <= 1.001 for step in steps):
            raise ValueError
    except (ValueError, IndexError):
        raise BadInput(f"{path}: not a risk–coverage curve") from None
    return steps


def _rows(path: Path) -> list[list[str]]:
    """Lines of a CSV file; none if there is no file."""
    try:
        text = read_regular(path, _LARGEST_TABLE).decode()
        return list(csv.reader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: {error}") from None
