"""How much of a bare inference loop's speed is left when the whole line stands around it."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.line_run import run_line
from line.config import load
from line.pictures import Picture
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source
from workers.model import Model

_SETTLING_FRAMES = 40
"""Run before the loop's clock starts, as the workers do before their first frame."""


@dataclass(frozen=True)
class Throughput:
    """Frames a second of the loop and of the line, a pair a round."""

    rounds: list[tuple[float, float]]

    @property
    def loop_fps(self) -> float:
        return median(loop for loop, _ in self.rounds)

    @property
    def line_fps(self) -> float:
        return median(line for _, line in self.rounds)

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios: each pair was measured side by side."""
        return median(line / loop for loop, line in self.rounds)

    def facts(self) -> dict[str, object]:
        return {
            "loop_fps": round(self.loop_fps, 2),
            "line_fps": round(self.line_fps, 2),
            "ratio": round(self.ratio, 4),
            "rounds": [[round(loop, 2), round(line, 2)] for loop, line in self.rounds],
        }


def measure(model: Path, frames: int, rounds: int) -> Throughput:
    """Loop and line in turn, on the same pictures and with the same session options."""
    pictures = _pictures(frames)
    loaded = Model.load(model, "cpu")
    pairs = []
    for _ in range(rounds):
        loop_fps = _loop(loaded, pictures)
        pairs.append((loop_fps, _line(model, frames)))
    return Throughput(pairs)


def _pictures(count: int) -> list[Picture]:
    """What the demo's camera shows the line, taken beforehand."""
    settings = load(environment={})
    with closing(open_source(settings)) as source:
        photograph = Photographer(source, settings, camera=0)
        return [photograph(BeltItem(seq, 0.0, 0.0)) for seq in range(count)]


def _loop(model: Model, pictures: list[Picture]) -> float:
    for picture in pictures[:_SETTLING_FRAMES]:
        model.engine.classify(picture[np.newaxis])
    started = perf_counter()
    for picture in pictures:
        model.engine.classify(picture[np.newaxis])
    return len(pictures) / (perf_counter() - started)


def _line(model: Path, frames: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        options = ["--speed=max", "--workers=1", f"--items={frames}", "--source=procedural"]
        summary, _ = run_line(run_dir, [f"--model={model}", *options])
        fps: float = summary["throughput_fps"]
        return fps
