"""`python -m benchmarks.forecast`: what the planner foretells of belts, and what the line does.

Belts are drawn by a seed: regular, at random moments or in bursts; a fifth of what the workers can
do up to twice that; speed, distance to the ejector, stroke, one to three workers. Each is foretold
first, from one profile, and then run. A forecast holds if the run's figure lies in its range. Wants
a quiet machine; `--load` keeps cores busy meanwhile to see what the ranges are worth there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks import forecast_chart
from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.validate_twin import PAGE, Figures, from_files, rows_of_line
from commands.profile import profile as measure_profile
from commands.run_setup.settings import settings_of
from drill.page import Page
from line.process.priority import usable_cores
from planner.plan.capacity import capacity
from planner.plan.estimate import LEVEL
from planner.plan.grid import Cell
from planner.plan.run import Plan, Result, run_plan
from planner.plan.target import Prospect, Target, prospect
from planner.profile import Profile

TARGET = 0.99
"""Share in time."""
_FORETOLD = ("in_time", "latency_p95_ms", "throughput_per_s")
_NEAR = (0.85, 1.15)
"""Loads, in capacities, at which nobody can tell."""
_PROCESSES = ("regular", "poisson", "bursts")
_SPIN = """
import sys, time
share = float(sys.argv[1])
while True:
    end = time.monotonic() + share / 10
    while time.monotonic() < end: pass
    time.sleep((1 - share) / 10)
"""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Belt:
    """One belt that nobody has measured. `load`: of the capacity, while items are fed."""

    process: str
    load: float
    speed_m_per_s: float
    camera_to_ejector_m: float
    actuator_ms: float
    workers: int

    @classmethod
    def drawn(cls, chance: np.random.Generator) -> Belt:
        """The next one of a seed."""
        return cls(
            process=_PROCESSES[chance.integers(len(_PROCESSES))],
            load=round(0.2 * 10 ** chance.random(), 2),
            speed_m_per_s=round(chance.uniform(0.5, 2.0), 2),
            camera_to_ejector_m=round(chance.uniform(0.4, 1.2), 2),
            actuator_ms=round(chance.uniform(10, 80)),
            workers=int(chance.integers(1, 4)),
        )

    def cell(self, items_per_min: float, threshold: float) -> Cell:
        """As the planner knows it."""
        return Cell(
            profile=0,
            cameras=1,
            threshold=threshold,
            camera_to_ejector_m=self.camera_to_ejector_m,
            given_items_per_min=items_per_min,
            items_per_min=items_per_min,
            belt_speed_m_per_s=self.speed_m_per_s,
            workers=self.workers,
        )

    @property
    def text(self) -> str:
        """Its cells of the table."""
        return (
            f"{self.process} | {self.speed_m_per_s:g} | {self.camera_to_ejector_m:g} | "
            f"{self.workers} | {100 * self.load:.0f} %"
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What was foretold of a belt, and what the line did."""

    belt: Belt
    told: Result
    found: dict[str, float]

    def holds(self, name: str) -> bool:
        """As the figures are written."""
        told = self.told.measures[name]
        low, found, high = (_rounded(name, v) for v in (told.low, self.found[name], told.high))
        return low <= found <= high

    @property
    def prospect(self) -> Prospect:
        return prospect(self.told.chance)

    @property
    def was_met(self) -> bool:
        return self.found["in_time"] >= TARGET

    @property
    def markdown(self) -> str:
        """A row of the table."""
        marks = [
            f"{_shown(name, self.told.measures[name].low)} to "
            f"{_shown(name, self.told.measures[name].high)}: "
            f"{'' if self.holds(name) else '**'}{_shown(name, self.found[name])}"
            f"{'' if self.holds(name) else '**'}"
            for name in _FORETOLD
        ]
        return f"| {self.belt.text} | {' | '.join(marks)} | {self.prospect} |"


_HEAD = (
    "| items | m/s | m to the ejector | workers | load | in time, % | p95, ms | answers/s "
    "| target |\n|---|---|---|---|---|---|---|---|---|"
)


@app.command()
def main(
    belts: Annotated[int, typer.Option(min=1, help="how many are drawn")] = 80,
    seed: Annotated[int, typer.Option(help="that draws them")] = 1,
    seconds: Annotated[float, typer.Option(min=5, help="of belt, a run")] = 30.0,
    profile: Annotated[Path | None, typer.Option(help="not given: measured first")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="folder that the profile was measured with; else drawn")
    ] = None,
    load: Annotated[float, typer.Option(min=0, help="cores that others keep busy")] = 0.0,
    markdown: Annotated[Path, typer.Option(help="Markdown page with the markers")] = PAGE,
    chart: Annotated[Path, typer.Option(help="SVG file")] = PAGE.parent / "images" / "forecast.svg",
) -> None:
    """Foretell, run, compare; prints the table and writes what holds, and a picture of it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    with tempfile.TemporaryDirectory(prefix="scrapline-forecast-") as name:
        folder = Path(name)
        if pictures is None:
            fed = from_files(folder / "pictures")
        else:
            fed = [f"source.spec={pictures.absolute()}", "source.order=random"]
            fed += ["camera.effects=off"]
        file = profile or folder / "profile.json"
        if profile is None:
            measure_profile(file=file, assignments=fed)
        measured = Profile.load(file)
        console.print("\n" + _HEAD, soft_wrap=True)
        found = []
        with _busy(load):
            for number, belt in enumerate(_drawn(seed, belts)):
                found.append(_forecast(folder / str(number), belt, measured, fed, seconds))
                console.print(found[-1].markdown, soft_wrap=True)
    machine = measured.machine
    text = "\n".join(
        [
            f"{belts} belts of {seconds:g} s, seed {seed}, on {machine.cpu}, {machine.cores} cores"
            f"{f', {load:g} of them kept busy' if load else ''}:",
            "",
            *_findings(found, measured.inference_ms / 1000),
        ]
    )
    console.print(f"\n{text}", soft_wrap=True)
    Page(markdown, "forecast").put(text)
    _draw(chart, found)


def _drawn(seed: int, count: int) -> Iterator[Belt]:
    chance = np.random.default_rng(seed)
    for _ in range(count):
        yield Belt.drawn(chance)


def _forecast(
    run_dir: Path, belt: Belt, profile: Profile, fed: Sequence[str], seconds: float
) -> Forecast:
    assignments = [
        *fed,
        f"infeed.process={belt.process}",
        f"belt.speed_m_per_s={belt.speed_m_per_s}",
        f"belt.camera_to_ejector_m={belt.camera_to_ejector_m}",
        f"belt.actuator_ms={belt.actuator_ms}",
        f"line.duration_s={seconds}",
    ]
    settings = settings_of(None, "demo", {}, assignments)
    settings = settings.replaced({"events": []})
    plan = Plan(settings, (profile,), Target({"in_time": TARGET}), 99, None)
    can = capacity(profile, 1, belt.workers, settings.worker_credit, plan.twin_error)
    cell = belt.cell(round(60 * belt.load * can.items_per_s, 1), profile.threshold)
    (told,) = run_plan(plan, [cell], usable_cores(), lambda *_: None, lambda every: [cell])
    options = [f"--workers={belt.workers}", f"--set=infeed.items_per_min={cell.items_per_min}"]
    options += [f"--set={each}" for each in assignments]
    summary, _ = run_line(
        run_dir, ["--scenario=demo", f"--model={profile.model_path}", "--set=events=[]", *options]
    )
    line = Figures.of(rows_of_line(run_dir))
    return Forecast(
        belt,
        told,
        {
            "in_time": line.in_time,
            "latency_p95_ms": line.p95_ms,
            "throughput_per_s": summary["throughput_fps"],
        },
    )


def _findings(found: Sequence[Forecast], inference_s: float) -> list[str]:
    """How many hold, how wide the ranges are, what the answers were worth.

    `inference_s`: of a bare inference, for the rule of thumb.
    """
    count = len(found)
    names = {"in_time": "in time", "latency_p95_ms": "p95", "throughput_per_s": "answers a second"}
    lines = [
        f"- {names[name]} within its range: {sum(each.holds(name) for each in found)} of {count}"
        for name in _FORETOLD
    ]
    widths = [
        each.told.measures["in_time"].high - each.told.measures["in_time"].low
        for each in found
        if not each.was_met
    ]
    if widths:
        lines.append(
            f"- in time, where the line was below {100 * TARGET:g} %: range of "
            f"{100 * median(widths):.1f} points (median)"
        )
    full = [each for each in found if each.belt.process == "regular" and each.belt.load > _NEAR[1]]
    if full:
        apart = [
            each.found["throughput_per_s"] / each.told.capacity.items_per_s - 1 for each in full
        ]
        lines.append(
            f"- answers a second beside the capacity, where more came, in regular distance: "
            f"{100 * min(apart):+.0f} to {100 * max(apart):+.0f} %"
        )
    scores = [
        mean(_score(*ends(each), each.found["in_time"]) for each in found)
        for ends in (_range, lambda each: _rule_of_thumb(each, inference_s))
    ]
    lines.append(
        f"- interval score of in time, less is better: {scores[0]:.2f}; of the rule that "
        f"workers ÷ inference is what can be done: {scores[1]:.2f}"
    )
    clear = [each for each in found if not _NEAR[0] <= each.belt.load <= _NEAR[1]]
    unsure = sum(each.prospect is Prospect.OPEN for each in clear)
    lines.append(f"- cannot tell, away from the capacity: {unsure} of {len(clear)}")
    for said, met, what in ((Prospect.MET, True, "met"), (Prospect.MISSED, False, "missed")):
        those = [each for each in found if each.prospect is said]
        right = sum(each.was_met is met for each in those)
        lines.append(f"- foretold that the target is {what}: {len(those)}, so it was in {right}")
    return lines


def _range(forecast: Forecast) -> tuple[float, float]:
    told = forecast.told.measures["in_time"]
    return told.low, told.high


def _rule_of_thumb(forecast: Forecast, inference_s: float) -> tuple[float, float]:
    """All in time as long as the workers are fast enough, else what they can do."""
    belt, told = forecast.belt, forecast.told
    comes_per_s = belt.load * told.capacity.items_per_s
    share = min(1.0, belt.workers / inference_s / comes_per_s)
    return share, share


def _score(low: float, high: float, found: float) -> float:
    """Of a range that is to hold with 90 % probability (Gneiting and Raftery 2007), in shares."""
    return high - low + 2 / (1 - LEVEL) * max(low - found, 0.0, found - high)


def _draw(path: Path, found: Sequence[Forecast]) -> None:
    """Ranges and what was found, from the lowest load to the highest."""
    titles = {"in_time": "in time, %", "latency_p95_ms": "p95 of the latency, ms"}
    ordered = sorted(found, key=lambda each: each.belt.load)
    panels = []
    for name, title in titles.items():
        marks = []
        for each in ordered:
            told = each.told.measures[name]
            values = (told.low, told.high, each.found[name])
            marks.append(forecast_chart.Mark(*(_rounded(name, value) for value in values)))
        panels.append((f"{title}: foretold range and the line; load grows to the right", marks))
    forecast_chart.write(path, panels)


def _rounded(name: str, value: float) -> float:
    return round(100 * value if name == "in_time" else value, 1)


def _shown(name: str, value: float) -> str:
    return f"{_rounded(name, value):.1f}"


@contextmanager
def _busy(cores: float) -> Iterator[None]:
    """Keep so many cores busy, a part of one by a process that rests now and then."""
    shares = [1.0] * int(cores) + [cores % 1] * bool(cores % 1)
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN, str(s)]) for s in shares]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


if __name__ == "__main__":
    run(app)
