"""`python -m benchmarks.paced`: a fast belt of photographs, with one worker and with two.

Seventy photographs a second with the camera's optics, fed at random, at 1.7 m/s with 0.4 m from
the camera to the ejector and a stroke that takes 60 ms. Runs with one worker and with two follow
each other, so that both see the same machine. Wants a quiet one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from drill.page import Page, Table
from line.config import ROOT
from line.errors import BadInput
from producers.render import render
from workers.model_file import find

_DRAWN_PER_CLASS = 60
_BELT = {
    "belt.speed_m_per_s": 1.7,
    "belt.camera_to_ejector_m": 0.4,
    "belt.actuator_ms": 60,
    "infeed.process": "poisson",
    "camera.effects": "on",
}
app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Pair:
    """The share of items in time in two runs, one after the other."""

    one: float
    two: float

    @property
    def gain(self) -> float:
        """What the second worker adds; below 0 it harms."""
        return self.two - self.one


@app.command()
def main(
    photos: Annotated[Path | None, typer.Option(help="folder of photographs; else drawn")] = None,
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    runs: Annotated[int, typer.Option(min=1, help="with one worker and with two")] = 10,
    seconds: Annotated[float, typer.Option(min=1, help="of belt, a run")] = 60.0,
    rate: Annotated[float, typer.Option(min=0.1, help="items a second")] = 70.0,
    line_set: Annotated[
        list[str] | None, typer.Option(help="section.key=value of the line; may be repeated")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="page with <!-- paced -->")] = None,
) -> None:
    """The share of items in time of each run, the least, and what the second worker changes."""
    if photos is not None and not photos.is_dir():
        raise BadInput(f"--photos: {photos}: no such folder")
    page = None if markdown is None else Page(markdown, "paced")
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        source = photos.absolute() if photos is not None else Path(name) / "drawn"
        if photos is None:
            render(source, _DRAWN_PER_CLASS)
        options = _options(find(model), source, rate, seconds, line_set or ())
        pairs = []
        for number in range(1, runs + 1):
            pair = Pair(_in_time(options, 1), _in_time(options, 2))
            console.print(f"run {number}: {pair.one:.4f} with one worker, {pair.two:.4f} with two")
            pairs.append(pair)
    what = "photographs" if photos is not None else "drawn pictures"
    found = table(pairs, f"{rate:g} {what} a second for {seconds:g} s")
    found.print(console)
    out = ROOT / "results" / "paced.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps([[pair.one, pair.two] for pair in pairs], indent=1) + "\n")
    if page is not None:
        page.fill([found])


def table(pairs: Sequence[Pair], title: str) -> Table:
    """A row a run; the least of each column at the end."""
    rows = [
        [str(number), f"{pair.one:.4f}", f"{pair.two:.4f}", f"{pair.gain:+.4f}"]
        for number, pair in enumerate(pairs, 1)
    ]
    least = [
        f"{min(pair.one for pair in pairs):.4f}",
        f"{min(pair.two for pair in pairs):.4f}",
        f"{min(pair.gain for pair in pairs):+.4f}",
    ]
    headings = ("run", "one worker: in time", "two workers: in time", "two less one")
    return Table(title, headings, rows, total=["least", *least])


def _options(
    model: Path, source: Path, rate: float, seconds: float, assignments: Sequence[str]
) -> list[str]:
    belt = {**_BELT, "infeed.items_per_min": 60 * rate}
    settings = [f"{key}={value}" for key, value in belt.items()]
    return [
        f"--model={model}",
        f"--source={source}",
        "--order=random",
        f"--duration={seconds}",
        *(f"--set={assignment}" for assignment in [*settings, *assignments]),
    ]


def _in_time(options: Sequence[str], workers: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        summary, _ = run_line(Path(folder) / "run", [f"--workers={workers}", *options])
        rate: float = summary["in_time_rate"]
        return rate


if __name__ == "__main__":
    run(app)
