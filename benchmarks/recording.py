"""`python -m benchmarks.recording`: what it costs a camera to record an item, and to replay it.

Each figure is of the studio's thread, which also makes the pictures. Processor time is told beside
wall time because it says the same on a busy machine.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median
from time import monotonic, perf_counter, thread_time

from rich.console import Console
from rich.table import Table

from line.belt_time import Clock
from line.config import load
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.recorder import Recorder
from producers.shot import Shot
from producers.sources import open_source
from producers.sources.recording import RecordingSource

ITEMS = 200


def main() -> None:
    settings = load(environment={})
    source = open_source(settings)
    draw = photographer(source, settings, 0)
    items = [BeltItem(seq, seq / 8, seq / 8 + 0.6) for seq in range(ITEMS)]
    shots: list[Shot] = []

    def photograph(item: BeltItem) -> None:
        picture = draw(item)
        assert not isinstance(picture, Shot)
        height_px, width_px, _ = picture.shape
        data = picture.tobytes()
        shots.append(Shot(data, "raw", height_px, width_px, zlib.crc32(data)))

    table = Table("an item's", "processor, mean", "wall, median", "wall, 99th percentile")
    with tempfile.TemporaryDirectory() as name:
        run_dir = Path(name)
        _row(table, "picture, drawn", photograph, items)
        with Recorder(run_dir, settings, 0, source, Clock(monotonic(), 1.0)) as recorder:
            _row(table, "recording", lambda item: recorder.keep(item, shots[item.seq]), items)
        recorded = RecordingSource(run_dir)
        recorded.facts(0, 0)
        _row(table, "picture, from the recording", lambda item: recorded.shot(0, item.seq), items)
        written = sum(path.stat().st_size for path in run_dir.iterdir())
    console = Console()
    console.print(table)
    console.print(f"{written / ITEMS / 1e3:.1f} kB an item, of {len(shots[0].data) / 1e3:.1f} kB")


def _row(
    table: Table, what: str, act: Callable[[BeltItem], object], items: Iterable[BeltItem]
) -> None:
    walls, processor = [], []
    for item in items:
        began, busy = perf_counter(), thread_time()
        act(item)
        walls.append(1e3 * (perf_counter() - began))
        processor.append(1e3 * (thread_time() - busy))
    p99 = sorted(walls)[int(0.99 * len(walls))]
    table.add_row(what, f"{mean(processor):.2f} ms", f"{median(walls):.2f} ms", f"{p99:.2f} ms")


if __name__ == "__main__":
    main()
