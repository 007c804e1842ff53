"""How much of a bare inference loop's speed is left when the whole line stands around it.

The frames are the same for both: picture files. The loops find them in memory; the line's camera
reads each one when its item comes by. So many workers stand against as many loops: with one, the
other cores do what the line costs beside inference; with one for each core, the line has to do it
in the workers' own time. A third figure has the camera draw every item on the fly, as in the demo:
on a machine with two cores that is most of a core's work.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from PIL import Image

from benchmarks.speed import measured_line, raw_loops
from benchmarks.speed.measured_line import MeasuredLine
from benchmarks.speed.raw_loops import RawSpeed
from drill.page import Table
from line.config import load
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source

_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Round:
    """Measured one after the other. `line`: frames from files; `drawing`: drawn on the fly."""

    raw: RawSpeed
    line: MeasuredLine
    drawing: MeasuredLine

    @property
    def ratio(self) -> float:
        """Line ÷ loops, frames a second."""
        return _fps(self.line) / self.raw.fps

    @property
    def drawing_ratio(self) -> float:
        """Line that draws ÷ loops, frames a second."""
        return _fps(self.drawing) / self.raw.fps

    @property
    def processor_ratio(self) -> float:
        """Line ÷ loops, processor time a frame."""
        return self.line.processor_ms_an_item / self.raw.processor_ms


@dataclass(frozen=True)
class Throughput:
    """All rounds. Ratios are taken within a round: its parts were measured side by side."""

    workers: int
    rounds: list[Round]

    @property
    def loop_fps(self) -> float:
        return median(r.raw.fps for r in self.rounds)

    @property
    def ratio(self) -> float:
        """Line ÷ loops, frames from files."""
        return median(r.ratio for r in self.rounds)

    @property
    def drawing_ratio(self) -> float:
        """Line ÷ loops, the line's frames drawn on the fly."""
        return median(r.drawing_ratio for r in self.rounds)

    @property
    def processor_ratio(self) -> float:
        """Line ÷ loops, processor time a frame, frames from files."""
        return median(r.processor_ratio for r in self.rounds)

    @property
    def processor_ms(self) -> dict[str, float]:
        """Process → milliseconds of processor a frame, means over the rounds; most first."""
        names = {name for r in self.rounds for name in r.line.processor_ms}
        means = {
            name: mean(r.line.processor_ms.get(name, 0.0) for r in self.rounds) for name in names
        }
        return dict(sorted(means.items(), key=lambda entry: (-entry[1], entry[0])))

    def facts(self) -> dict[str, object]:
        return {
            "workers": self.workers,
            "loop_fps": round(self.loop_fps, 2),
            "ratio": round(self.ratio, 4),
            "drawing_ratio": round(self.drawing_ratio, 4),
            "processor_ratio": round(self.processor_ratio, 4),
            "processor_ms": {name: round(ms, 3) for name, ms in self.processor_ms.items()},
            "rounds": [
                [round(r.raw.fps, 2), round(_fps(r.line), 2), round(_fps(r.drawing), 2)]
                for r in self.rounds
            ],
        }


def measure(model: Path, frames: int, rounds: int, workers: int) -> Throughput:
    """Loops and line in turn, with the same session options, as many loops as workers."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_frames(Path(folder), frames)
        options = ["--speed=max", f"--workers={workers}", f"--model={model}"]
        return Throughput(
            workers,
            [
                Round(
                    raw=raw_loops.measure(model, files, workers),
                    line=measured_line.measure(frames, [*options, f"--source={folder}"]),
                    drawing=measured_line.measure(frames, [*options, "--source=procedural"]),
                )
                for _ in range(rounds)
            ],
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


def tables(result: Throughput) -> list[Table]:
    """Round by round; and what each process of the line uses."""
    loops = "a bare loop" if result.workers == 1 else f"{result.workers} bare loops"
    workers = "One worker" if result.workers == 1 else f"{result.workers} workers"
    rows = [
        [
            str(number),
            f"{r.raw.fps:.1f} fps",
            f"{_fps(r.line):.1f} fps",
            f"{r.ratio:.3f}",
            f"{r.raw.processor_ms:.2f} ms",
            f"{r.line.processor_ms_an_item:.2f} ms",
            f"{r.processor_ratio:.2f}",
            f"{_fps(r.drawing):.1f} fps",
            f"{r.drawing_ratio:.3f}",
        ]
        for number, r in enumerate(result.rounds, 1)
    ]
    middle = ["median", "", "", f"{result.ratio:.3f}", "", "", f"{result.processor_ratio:.2f}"]
    speed = Table(
        f"{workers} at --speed max against {loops}",
        _HEADINGS,
        rows,
        total=[*middle, "", f"{result.drawing_ratio:.3f}"],
        note="Processor: user and system time a frame, of all processes between two rows.",
    )
    spent = result.processor_ms
    bill = Table(
        f"{workers}: processor time by process",
        ("process", "ms a frame"),
        [[name, f"{ms:.2f}"] for name, ms in spent.items()],
        total=["all", f"{sum(spent.values()):.2f}"],
        note="Means over the rounds, frames from files; reading them included.",
    )
    return [speed, bill]


_HEADINGS = (
    *("round", "loops", "line", "line ÷ loops"),
    *("processor: loops", "line", "÷ loops", "line, drawing", "÷ loops"),
)


def _fps(line: MeasuredLine) -> float:
    fps: float = line.summary["throughput_fps"]
    return fps
