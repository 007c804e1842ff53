"""`python -m benchmarks.pictures FOLDER`: what a picture costs the camera, by stage.

Processor time of one thread, of photographs in FOLDER, shown at the camera's size, and of drawn
items, both with every effect of the camera on. Stages are measured in turns of some pictures each.
"""

from __future__ import annotations

import os
import platform
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Annotated

# As in the line's own processes; read when NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.entry import run
from line import pictures
from line.pictures import Picture
from producers.optics import Optics
from producers.procedural import CLASSES, draw, prepare
from producers.randomness import Purpose, stream
from producers.sources import FolderSource

WIDTH_PX, HEIGHT_PX = 320, 240
_OPTICS = Optics(
    exposure_ms=1.0, view_m=0.32, lamp=1.0, lamp_drift_per_min=-0.01, vignetting=0.15, noise=2.0
)
_BELT_SPEED_M_S = 1.7
_TURN_PICTURES = 20
_MOST_PIXELS = 50_000_000
_Stage = Callable[[int], object]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="Photographs, an ImageFolder tree or flat.")],
    rounds: Annotated[int, typer.Option(min=1, help="Turns of 20 pictures a stage.")] = 15,
) -> None:
    """Print the processor time of a picture by stage."""
    source, whole = _photographs(folder, (WIDTH_PX, HEIGHT_PX)), _photographs(folder, None)
    prepare(WIDTH_PX, HEIGHT_PX)
    photographs = [source.picture(0, seq) for seq in range(_TURN_PICTURES)]
    drawn = [_drawn(seq) for seq in range(_TURN_PICTURES)]
    exposed = [_exposed(photographs[seq], seq) for seq in range(_TURN_PICTURES)]
    stages: dict[str, _Stage] = {
        "photograph, read and decoded": lambda seq: whole.picture(0, seq),
        "photograph, read, decoded and resized": lambda seq: source.picture(0, seq),
        "photograph, optics": lambda seq: _exposed(photographs[seq], seq),
        "drawn item, drawing": _drawn,
        "drawn item, optics": lambda seq: _exposed(drawn[seq], seq),
        "either, bytes and checksum": lambda seq: zlib.crc32(
            pictures.encode(exposed[seq], "raw", 90)
        ),
        "photograph, all": lambda seq: _sent(source.picture(0, seq), seq),
        "drawn item, all": lambda seq: _sent(_drawn(seq), seq),
    }
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, stage in stages.items():
            spent[name].append(_turn(stage))
    table = Table("a picture's", "ms of processor, median", "least")
    for name, turns in spent.items():
        table.add_row(name, f"{median(turns):.2f}", f"{min(turns):.2f}")
    console = Console()
    console.print(table)
    console.print(
        f"{WIDTH_PX} x {HEIGHT_PX} px, {rounds} turns of {_TURN_PICTURES} pictures a stage, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}"
    )


def _photographs(folder: Path, frame: tuple[int, int] | None) -> FolderSource:
    return FolderSource(
        folder,
        frame=frame,
        seed=7,
        order="random",
        cameras=1,
        max_pixels=_MOST_PIXELS,
        max_bytes=64_000_000,
        max_items=1_000_000,
    )


def _turn(stage: _Stage) -> float:
    """Milliseconds of processor a picture."""
    busy = thread_time()
    for seq in range(_TURN_PICTURES):
        stage(seq)
    return 1e3 * (thread_time() - busy) / _TURN_PICTURES


def _drawn(seq: int) -> Picture:
    material = CLASSES[seq % len(CLASSES)]
    return draw(material, stream(7, 0, seq, Purpose.PICTURE), WIDTH_PX, HEIGHT_PX)


def _exposed(picture: Picture, seq: int) -> Picture:
    return _OPTICS.expose(
        picture,
        belt_speed_m_s=_BELT_SPEED_M_S,
        belt_time_s=float(seq),
        lamp_factor=1.0,
        rng=stream(7, 0, seq, Purpose.OPTICS),
    )


def _sent(picture: Picture, seq: int) -> int:
    return zlib.crc32(pictures.encode(_exposed(picture, seq), "raw", 90))


if __name__ == "__main__":
    run(app)
