"""What can be asked of a run folder from outside, while the line runs and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from line.csv_cells import text_of
from line.errors import BadInput
from line.model.facts import FILE as MODEL_FILE
from line.model.facts import ModelFacts
from line.run_files.results import FILE, find_row, records


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
        if not (run_dir / FILE).is_file():
            raise BadInput(f"{run_dir}: not a run folder (no {FILE})")
    try:
        return ModelFacts.load(run_dir).classes
    except (OSError, ValidationError):
        raise BadInput(f"{run_dir / MODEL_FILE}: missing or damaged") from None


def row_of(run_dir: Path, frame_id: str) -> dict[str, str]:
    """One item's row of results.csv, as text by column.

    Raises:
        BadInput: if the file cannot be read or has no such item.
    """
    path = run_dir / FILE
    try:
        # Of any version of the line: whoever asks knows which columns there must be.
        found = find_row(path, frame_id, needed=(), follow_links=False)
        if found is not None:
            block, names = found
            for _, cells in records(block):
                return dict(zip(names, map(text_of, cells), strict=False))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from None
    raise BadInput(f"{run_dir}: has no item {frame_id!r} in {FILE}")
