"""history.csv: every label that was ever taken in, one row each, in the order of taking.

frame   RUN/FRAME_ID, or Label Studio's name for the picture
image   the picture's file name; its class folder is the label that counts now
label, who, when, source    as in `LabelEvent`
sha256  of the picture's bytes
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from training.errors import BadInput
from training.ingest.label_event import LabelEvent, moment
from training.whole_file import replace_table


@dataclass(frozen=True)
class Row:
    """One row of history.csv."""

    frame: str
    image: str
    label: str
    who: str
    when: str
    source: str
    sha256: str

    @property
    def event(self) -> LabelEvent:
        """The event, without the picture."""
        return LabelEvent(self.frame, self.label, self.who, self.when, self.source)


COLUMNS = [field.name for field in fields(Row)]


def read_history(file: Path) -> list[Row]:
    """All rows; none if there is no file yet. Raises BadInput that names the file and the line."""
    if not file.exists():
        return []
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.reader(lines)
            if next(reader, None) != COLUMNS:
                raise BadInput(f"{file}: its first line is not {','.join(COLUMNS)}")
            return [_row(file, reader.line_num, cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file}: not readable: {error}") from error


def write_history(file: Path, rows: Sequence[Row]) -> None:
    """All rows, in place of those that are there."""
    replace_table(file, [COLUMNS, *([getattr(row, name) for name in COLUMNS] for row in rows)])


def news(events: Iterable[LabelEvent], rows: Iterable[Row]) -> list[LabelEvent]:
    """The events that are not among the rows yet.

    Counted and not just looked up: within one second somebody may say glass, metal, glass.
    """
    known = Counter(_key(row.event) for row in rows)
    fresh = []
    for one in events:
        if known[_key(one)]:
            known[_key(one)] -= 1
        else:
            fresh.append(one)
    return fresh


def _key(event: LabelEvent) -> tuple[str, str, str, str]:
    """Who gave which label to which frame, and when; not the source, whose name may change."""
    return (event.frame, event.label, event.who, event.when)


def _row(file: Path, number: int, cells: list[str]) -> Row:
    where = f"{file}, line {number}"
    if len(cells) != len(COLUMNS):
        raise BadInput(f"{where}: {len(cells)} cells, {len(COLUMNS)} are expected")
    row = Row(*cells)
    try:
        moment(row.when)
    except ValueError:
        raise BadInput(f"{where}: {row.when!r} is not a time") from None
    return row
