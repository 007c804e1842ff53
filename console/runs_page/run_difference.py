"""Two runs of the shelf side by side, small enough for a page."""

from __future__ import annotations

from pathlib import Path

from line.errors import BadInput
from line.run_files.results import FILE as RESULTS
from reports.comparison.changes import Difference, compare
from reports.comparison.compared_run import read

LARGEST_MB = 100
"""Of a results.csv, about 500,000 items: both are read whole."""


def difference(a: Path, b: Path) -> Difference:
    """What changed from run folder `a` to `b`.

    Raises:
        BadInput: if one is no run, is damaged, or is too large for a page.
    """
    for run_dir in (a, b):
        path = run_dir / RESULTS
        if path.is_file() and path.stat().st_size > LARGEST_MB * 10**6:
            raise BadInput(
                f"{path}: larger than {LARGEST_MB} MB; compare with: run_line.py diff {a} {b}"
            )
    return compare(read(a), read(b))


def picture_of(difference: Difference, frame_id: str) -> tuple[str, str] | None:
    """(run, file) of an item's picture, where one of the runs has queued it."""
    file = f"review/images/{frame_id}.png"
    runs = (run.path for run in (difference.b, difference.a))
    return next(((path.name, file) for path in runs if (path / file).is_file()), None)
