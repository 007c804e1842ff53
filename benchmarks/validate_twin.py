"""`python -m benchmarks.validate_twin`: the real line against its twin, cell by cell.

Profiles this machine, runs the real line at three belt speeds, the last one an overload, with one
worker and with two, fed steadily and in bursts; then the twin with the same settings. Pictures come
from files: no real camera draws them, and drawing takes most of a core of the two that the line has
here.

A machine that others share is a tenth faster or slower from one minute to the next. So a bare
inference is timed before and after each run, and the twin's machine is as much slower than the
profile's as that was; and all of it is done more than once, each time with a profile of its own,
and averaged. Both stand side by side in docs/measurements.md then. Run it on a quiet machine.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from commands.profile import profile as measure_profile
from commands.run_setup.settings import load_model
from drill.page import Page
from line.config import ROOT, load
from line.errors import BadInput
from line.outcome import IN_TIME
from line.settings import Settings
from planner.measure.this_machine import bare_inference_s
from planner.profile import Profile
from planner.sim.twin import simulate
from producers.render import render
from reports.results import read_results

PAGE = ROOT / "docs" / "measurements.md"
BELTS = ((1.0, 2400.0), (1.5, 6000.0), (2.0, 15000.0))
"""(metres a second, items a minute while items are fed); the last is more than two workers do."""
PICTURES = ("source.order=random", "camera.effects=off")
"""How they are fed from files."""
SCENARIOS = ("steady", "rush_hour")
WORKERS = (1, 2)
_LOOK_S = 1.0
"""So long a bare inference is timed, again and again."""
_PER_CLASS = 60
_POINTS = 0.02
_THROUGHPUT = 0.03
_LATENCY = 0.15

Row = tuple[float, str, float | None]
"""(belt time of the trigger in s, verdict, latency in ms or None without an answer)"""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a run, from its rows, the same way for the line and for its twin."""

    in_time: float
    throughput_per_s: float
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Figures:
        """Throughput = answers ÷ time from the first trigger to the last decision.

        Raises:
            BadInput: if no item was answered.
        """
        every = list(rows)
        latency_ms = [latency for _, _, latency in every if latency is not None]
        if not latency_ms:
            raise BadInput(f"none of {len(every)} items was answered; is the machine busy?")
        decided_s = [trigger + ms / 1000 for trigger, _, ms in every if ms is not None]
        span_s = max(decided_s) - min(trigger for trigger, _, _ in every)
        return cls(
            in_time=sum(verdict in IN_TIME for _, verdict, _ in every) / len(every),
            throughput_per_s=len(latency_ms) / span_s,
            p50_ms=float(np.quantile(latency_ms, 0.5)),
            p95_ms=float(np.quantile(latency_ms, 0.95)),
        )

    @classmethod
    def mean(cls, runs: Iterable[Figures]) -> Figures:
        """Of several runs."""
        return cls(*np.mean([astuple(run) for run in runs], axis=0).tolist())


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison."""

    scenario: str
    speed_m_per_s: float
    items_per_min: float
    workers: int
    line: Figures
    twin: Figures
    slowness: float = 1.0
    """of the machine, in times what it was when it was profiled"""

    @classmethod
    def mean(cls, same: Sequence[Cell]) -> Cell:
        """Of the same comparison in several rounds."""
        line = Figures.mean(cell.line for cell in same)
        return replace(same[0], line=line, twin=Figures.mean(cell.twin for cell in same))

    @property
    def misses(self) -> list[str]:
        """The figures that differ by more than they may."""
        line, twin = self.line, self.twin
        apart = {
            "in time": abs(twin.in_time - line.in_time) > _POINTS,
            "throughput": _off(line.throughput_per_s, twin.throughput_per_s) > _THROUGHPUT,
            "p50": _off(line.p50_ms, twin.p50_ms) > _LATENCY,
            "p95": _off(line.p95_ms, twin.p95_ms) > _LATENCY,
        }
        return [name for name, is_apart in apart.items() if is_apart]

    @property
    def markdown(self) -> str:
        """A row of the page's table."""
        line, twin = self.line, self.twin
        return (
            f"| {self.scenario} | {self.speed_m_per_s:g} | {self.items_per_min:g} | {self.workers} "
            f"| {100 * line.in_time:.1f} / {100 * twin.in_time:.1f} % "
            f"| {line.throughput_per_s:.1f} / {twin.throughput_per_s:.1f} "
            f"| {line.p50_ms:.1f} / {twin.p50_ms:.1f} | {line.p95_ms:.1f} / {twin.p95_ms:.1f} "
            f"| {', '.join(self.misses) or 'pass'} |"
        )


_HEAD = (
    "| scenario | belt, m/s | items/min | workers | in time | answers/s | p50, ms | p95, ms | |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@app.command()
def main(
    duration: Annotated[float, typer.Option(min=7, help="belt time of a run, s")] = 14.0,
    rounds: Annotated[int, typer.Option(min=1, help="whole grids, averaged")] = 3,
    markdown: Annotated[Path, typer.Option(help="Markdown page with the markers")] = PAGE,
) -> None:
    """Compare, print, write the table; status 1 if a figure is further off than it may be."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    grids: list[list[Cell]] = []
    with tempfile.TemporaryDirectory(prefix="scrapline-validate-") as folder:
        fed = from_files(Path(folder) / "pictures")
        for number in range(rounds):
            place = Path(folder) / str(number)
            place.mkdir()
            file = place / "profile.json"
            measure_profile(file=file, assignments=fed)
            measured = Profile.load(file)
            console.print("\n" + _HEAD)
            grids.append([])
            for cell in _cells(place, measured, duration, fed):
                console.print(f"{cell.markdown} {cell.slowness:.3f}", soft_wrap=True)
                grids[-1].append(cell)
    cells = [Cell.mean(same) for same in zip(*grids, strict=True)]
    passed = sum(not cell.misses for cell in cells)
    machine = measured.machine
    table = "\n".join([_HEAD, *(cell.markdown for cell in cells)])
    text = (
        f"Line / twin, {duration:g} s of belt each, {f'means of {rounds} rounds, ' * (rounds > 1)}"
        f"on {machine.cpu}, {machine.cores} cores; "
        f"{passed} of {len(cells)} within 2 points in time, 3 % of throughput, 15 % of latency."
    )
    console.print(f"\n{text}\n\n{table}", soft_wrap=True)
    Page(markdown, "validation").put(f"{text}\n\n{table}")
    console.print(f"\n{markdown}")
    if passed < len(cells):
        raise typer.Exit(1)


def from_files(pictures: Path) -> list[str]:
    """Settings of a line that is fed the drawn pictures that are written there."""
    render(pictures, _PER_CLASS)
    return [f"source.spec={pictures}", *PICTURES]


def _cells(folder: Path, profile: Profile, duration_s: float, fed: Sequence[str]) -> Iterator[Cell]:
    usual = load(environment={}, options=[("model.path", profile.model_path)])
    classify = load_model(usual).engine.classify
    size_px = usual.camera.height_px, usual.camera.width_px

    def bare_s() -> float:
        return bare_inference_s(classify, size_px, _LOOK_S)

    after_s = bare_s()
    for scenario in SCENARIOS:
        for speed, rate in BELTS:
            for workers in WORKERS:
                options = [
                    f"--scenario={scenario}",
                    f"--belt-speed={speed}",
                    f"--set=infeed.items_per_min={rate}",
                    f"--workers={workers}",
                    f"--duration={duration_s}",
                    f"--model={profile.model_path}",
                    *(f"--set={each}" for each in fed),
                ]
                run_dir = folder / f"{scenario}-{speed:g}-{workers}"
                run_line(run_dir, options)
                settings = Settings.model_validate_json((run_dir / "settings.json").read_bytes())
                before_s, after_s = after_s, bare_s()
                slowness = 1000 * (before_s + after_s) / 2 / profile.inference_ms
                line = Figures.of(rows_of_line(run_dir))
                as_slow = profile.slowed(slowness).model_copy(update={"slowness": ()})
                twin = Figures.of(_rows_of_twin(settings, as_slow))
                yield Cell(scenario, speed, rate, workers, line, twin, slowness)


def rows_of_line(run_dir: Path) -> list[Row]:
    """Of a run's results.csv."""
    items = read_results(run_dir / "results.csv").items
    latency = items["latency_ms"].astype(object).where(items["latency_ms"].notna(), None)
    return list(zip(items["scheduled_s"], items["verdict"], latency, strict=True))


def _rows_of_twin(settings: Settings, profile: Profile) -> list[Row]:
    rows: list[Row] = []
    simulate(
        settings,
        profile,
        on_row=lambda outcome: rows.append(
            (outcome.scheduled_s, outcome.verdict, outcome.latency_ms)
        ),
    )
    return rows


def _off(real: float, simulated: float) -> float:
    return abs(simulated / real - 1)


if __name__ == "__main__":
    run(app)
