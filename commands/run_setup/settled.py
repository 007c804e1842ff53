"""Whether what the lanes of a run that is to go on call settled stands in its results."""

from __future__ import annotations

from pathlib import Path

from line.errors import BadInput
from line.observe.latency_buckets import bucket_bounds_s
from line.run_files.lane_record import LaneRecord
from line.run_files.results import FILE as RESULTS
from line.run_files.run_reading import reading
from line.sequence_set import SeqSet
from line.settings import Settings
from sinks.csv_log import logged_items


def check_settled(run_dir: Path, settings: Settings) -> None:
    """Raise BadInput, naming the lane's file, for a lane whose settled items lack a row.

    They would never be fed again: the results were cut or replaced, or the lane's file was.
    """
    paths = [run_dir / f"camera-{n}.progress" for n in range(settings.line.cameras)]
    lows = [LaneRecord.read(path).low for path in paths]  # first: rows are only ever added
    with reading(run_dir):
        logged = logged_items(run_dir / RESULTS, bucket_bounds_s(settings))
    for camera, (path, low) in enumerate(zip(paths, lows, strict=True)):
        rows = logged.get(camera, SeqSet()).low
        if low > rows:
            raise BadInput(
                f"{path}: {low} items are settled, and results.csv has rows of the first {rows} "
                "alone; without this file the lane is run again from its beginning, and rows that "
                "stand are kept: remove it to do so"
            )
