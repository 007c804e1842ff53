"""The file of scored labels: what models said of items, and what these items are.

A CSV file with a header, in UTF-8, one label a line:

    model             as rows name it: first 12 hex digits of the file's SHA-256, and its engine,
                      where that is not the default
    predicted_class   the model's best class, and
    confidence        its probability, 0..1, as rows have it
    true_class        what people say, or the folder that the picture lay in
    source            the picture, or run and item: the same label is not counted twice
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.own_file import read_regular
from line.plain_text import cell_of, plain, text_of

_LARGEST = 500 * 10**6
"""Bytes."""


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """One labelled item, and the answer of one model."""

    model: str
    predicted_class: str
    confidence: float
    true_class: str
    source: str

    @property
    def is_right(self) -> bool:
        return self.predicted_class == self.true_class


_COLUMNS = [field.name for field in fields(ScoredLabel)]


def read_labels(path: Path) -> list[ScoredLabel]:
    """Raises BadInput, naming the file and the line, for one that is none or cannot be read."""
    try:
        text = read_regular(path, _LARGEST, follow_links=True).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""))
        if next(rows, None) != _COLUMNS:
            raise ValueError(f"is no file of labels (the first line is {','.join(_COLUMNS)})")
        return [_label(row, rows.line_num) for row in rows if row]
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (ValueError, csv.Error) as error:
        raise BadInput(f"{path}: {plain(str(error))}") from None


def write_labels(path: Path, labels: Iterable[ScoredLabel]) -> None:
    """Put them in the place of the file at `path`. Raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for label in labels:
        writer.writerow(
            [cell_of(cell) if isinstance(cell, str) else repr(cell) for cell in astuple(label)]
        )
    write_atomically(path, text.getvalue().encode())


def each_once(labels: Iterable[ScoredLabel]) -> list[ScoredLabel]:
    """The last label of each model and source, in the order in which the sources came first."""
    return list({(label.model, label.source): label for label in labels}.values())


def _label(row: list[str], line: int) -> ScoredLabel:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"line {line}: {len(row)} cells instead of {len(_COLUMNS)}")
    model, predicted_class, confidence, true_class, source = map(text_of, row)
    try:
        share = float(confidence)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"line {line}: confidence {confidence!r} is no number from 0 to 1")
    return ScoredLabel(model, predicted_class, share, true_class, source)
