"""What people said about the items of a run, all of it, for whoever takes it elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.run_files.review_file import FILE, Label

_IS_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'withdrawn'"
_EVERY_LABEL = (
    "SELECT id, frame_id, label, labelled_by, labelled_at, label_id IS NOT NULL"
    " FROM labels LEFT JOIN withdrawn ON label_id = id ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class SaidLabel(Label):
    """A label as it is on record, also one that was taken back again."""

    is_withdrawn: bool


def said_labels(folder: Path) -> list[SaidLabel]:
    """All labels of the review queue in a folder, in order; nothing is made where there is none.

    Raises BadInput, naming the file, if it is damaged or cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        # Read-only, so that a look at a running line takes no write lock.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            if not db.execute(_IS_MADE).fetchone():
                return []
            return [_said(*row) for row in db.execute(_EVERY_LABEL)]
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: a complaint about damage
        raise BadInput(f"{path}: {error}") from None


def _said(number: int, item: str, label: str, who: str, when: str, back: int) -> SaidLabel:
    return SaidLabel(number, item, label, who, when, bool(back))
