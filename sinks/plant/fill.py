"""Takes a run that has ended, or as far as it has come, out of its folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from line.errors import BadInput
from line.outcome import Outcome
from line.run_files.results import FILE as RESULTS
from line.run_files.results import outcome_of, read_rows
from line.run_files.said_labels import said_labels
from pictures.regular_file import open_regular
from sinks.alert_file import FILE as ALERTS
from sinks.follower import LineEvent
from sinks.plant.outlet import Outlet, is_storable

BATCH_ROWS = 5000
"""Put, or written, at once: some megabytes."""
T = TypeVar("T")


def fill(run_dir: Path, outlet: Outlet) -> int:
    """Put everything there that a run has; how many rows it has. What is there already stays.

    Raises:
        BadInput: a file of the run cannot be read, or its rows are none.
        StorageError: the outlet refuses.
    """
    rows = 0
    for batch in batches_of_rows(run_dir):
        outlet.put_rows(batch)
        rows += len(batch)
    for events in _batches(_events(run_dir / ALERTS)):
        outlet.put_events(events)
    outlet.put_labels(said_labels(run_dir / "review"))
    return rows


def batches_of_rows(run_dir: Path) -> Iterator[list[Outcome]]:
    """The rows of results.csv, in its order; a torn last one is left out.

    Raises BadInput, naming the line or the item.
    """
    path = run_dir / RESULTS
    if not path.is_file():
        raise BadInput(f"{run_dir}: not a run folder (no {RESULTS})")
    for batch in _batches(read_rows(path, outcome_of)):
        for row in batch:
            if not is_storable(row):
                raise BadInput(f"{path}: item {row.frame_id[:80]}: has what no row can have")
        yield batch


def _events(path: Path) -> Iterator[LineEvent]:
    """Of alerts.jsonl; lines that are none are left out, as a follower leaves them out."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    with open(fd, "rb") as file:  # noqa: PTH123 - of an open file
        for line in file:
            try:
                yield LineEvent.decode(line)
            except ValueError:
                continue


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while batch := list(islice(left, BATCH_ROWS)):
        yield batch
