"""What can be asked of a run folder from outside, while the line runs and afterwards."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from line.csv_cells import text_of
from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from line.own_file import open_regular


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What cannot be read, for want of permission or else, is a BadInput that names it."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{error.filename or path}: {error.strerror or error}") from None


def classes_of(run_dir: Path) -> tuple[str, ...]:
    """The classes of the run's model, in its order. Raises BadInput if that is no run folder."""
    with reading(run_dir):
        if not (run_dir / "results.csv").is_file():
            raise BadInput(f"{run_dir}: not a run folder (no results.csv)")
    try:
        return ModelFacts.load(run_dir).classes
    except (OSError, ValidationError):
        raise BadInput(f"{run_dir / FILE}: missing or damaged") from None


def row_of(run_dir: Path, frame_id: str) -> dict[str, str]:
    """One item's row of results.csv, as text by column.

    Raises:
        BadInput: if the file cannot be read or has no such item.
    """
    path = run_dir / "results.csv"
    try:
        with os.fdopen(open_regular(path), encoding="utf-8", newline="") as lines:
            header = next(csv.reader(lines), [])
            # Whole lines are compared, not cells: a frame_id needs no quotes, and stands first.
            for line in lines:
                if line.partition(",")[0] == frame_id:
                    return dict(zip(header, map(text_of, next(csv.reader([line]))), strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: {error}") from None
    raise BadInput(f"{run_dir}: has no item {frame_id!r} in results.csv")
