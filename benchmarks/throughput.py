"""How much of a bare inference loop's speed is left when the whole line stands around it.

The frames are the same for both: picture files. The loop finds them in memory; the line's camera
reads each one when its item comes by. A third figure has the camera draw every item on the fly, as
in the demo: on a machine with two cores that is most of a core's work, beside the worker's.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

from benchmarks.line_run import run_line
from line import pictures
from line.config import load
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source
from workers.model import Model

_SETTLING_FRAMES = 40
"""Run before the loop's clock starts, as the workers do before their first frame."""
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Round:
    """Frames a second, measured one after the other."""

    loop_fps: float
    line_fps: float
    drawing_fps: float


@dataclass(frozen=True)
class Throughput:
    """All rounds. Ratios are taken within a round: its parts were measured side by side."""

    rounds: list[Round]

    @property
    def loop_fps(self) -> float:
        return median(r.loop_fps for r in self.rounds)

    @property
    def ratio(self) -> float:
        """Line ÷ loop, frames from files."""
        return median(r.line_fps / r.loop_fps for r in self.rounds)

    @property
    def drawing_ratio(self) -> float:
        """Line ÷ loop, the line's frames drawn on the fly."""
        return median(r.drawing_fps / r.loop_fps for r in self.rounds)

    def facts(self) -> dict[str, object]:
        return {
            "loop_fps": round(self.loop_fps, 2),
            "ratio": round(self.ratio, 4),
            "drawing_ratio": round(self.drawing_ratio, 4),
            "rounds": [
                [round(r.loop_fps, 2), round(r.line_fps, 2), round(r.drawing_fps, 2)]
                for r in self.rounds
            ],
        }


def measure(model: Path, frames: int, rounds: int) -> Throughput:
    """Loop and line in turn, with the same session options."""
    loaded = Model.load(model, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        files = write_frames(Path(folder), frames)
        frames_in_memory = [pictures.read(path, max_pixels=1e6) for path in files]
        return Throughput(
            [
                Round(
                    loop_fps=_loop(loaded, frames_in_memory),
                    line_fps=_line(model, [f"--source={folder}"]),
                    drawing_fps=_line(model, ["--source=procedural", f"--items={frames}"]),
                )
                for _ in range(rounds)
            ]
        )


def write_frames(folder: Path, count: int) -> list[Path]:
    """What the demo's camera sees, as files."""
    settings = load(environment={})
    files = [folder / f"{seq:05}.jpg" for seq in range(count)]
    with closing(open_source(settings)) as source:
        photograph = Photographer(source, settings, camera=0)
        for seq, path in enumerate(files):
            picture = photograph(BeltItem(seq, 0.0, 0.0))
            Image.fromarray(picture).save(path, quality=_JPEG_QUALITY)
    return files


def _loop(model: Model, frames: list[pictures.Picture]) -> float:
    for picture in frames[:_SETTLING_FRAMES]:
        model.engine.classify(picture[np.newaxis])
    started = perf_counter()
    for picture in frames:
        model.engine.classify(picture[np.newaxis])
    return len(frames) / (perf_counter() - started)


def _line(model: Path, source: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--speed=max", "--workers=1", f"--model={model}", *source]
        summary, _ = run_line(Path(folder) / "run", options)
        fps: float = summary["throughput_fps"]
        return fps
