"""What people said about the items of a run, for whoever counts it or takes it elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from line.errors import BadInput
from line.run_files.review_file import FILE, Label

_IS_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'withdrawn'"
_EVERY_LABEL = (
    "SELECT id, frame_id, label, labelled_by, labelled_at, label_id IS NOT NULL"
    " FROM labels LEFT JOIN withdrawn ON label_id = id ORDER BY id"
)


_EVERY_ITEM = (
    "SELECT frame_id, predicted_class, confidence, label FROM items LEFT JOIN ("
    " SELECT frame_id, label, max(id) AS last FROM labels"
    " WHERE id NOT IN (SELECT label_id FROM withdrawn) GROUP BY frame_id"
    ") USING (frame_id) ORDER BY last, frame_id"
)
"""Of SQLite: with max(id) alone, the other columns are those of that row."""


@dataclass(frozen=True, slots=True)
class SaidLabel(Label):
    """A label as it is on record, also one that was taken back again."""

    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class QueuedAnswer:
    """What the model said of a queued item, and the last word of people; None: nobody has yet."""

    frame_id: str
    predicted_class: str
    confidence: float
    label: str | None


def said_labels(folder: Path) -> list[SaidLabel]:
    """All labels of the review queue in a folder, in order; nothing is made where there is none.

    Raises BadInput, naming the file, if it is damaged or cannot be read.
    """
    return [_said(*row) for row in _rows(folder, _EVERY_LABEL)]


def queued_answers(folder: Path) -> list[QueuedAnswer]:
    """All items of the review queue in a folder, those with a label in the order of their labels.

    Raises BadInput as `said_labels`.
    """
    return [QueuedAnswer(*row) for row in _rows(folder, _EVERY_ITEM)]


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        # Read-only, so that a look at a running line takes no write lock.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall() if db.execute(_IS_MADE).fetchone() else []
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: a complaint about damage
        raise BadInput(f"{path}: {error}") from None


def _said(number: int, item: str, label: str, who: str, when: str, back: int) -> SaidLabel:
    return SaidLabel(number, item, label, who, when, bool(back))
