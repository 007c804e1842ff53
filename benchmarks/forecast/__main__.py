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
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.forecast import chart as chart_file
from benchmarks.forecast.belts import TARGET, Belt, Forecast, drawn_belts, findings, rounded
from benchmarks.forecast.line_figures import PAGE, Figures, from_files, rows_of_line
from benchmarks.line_run import run_line
from commands.profile import profile as measure_profile
from commands.run_setup.settings import settings_of
from drill.page import Page
from line.process.priority import usable_cores
from line.settings import Settings
from planner.measure import this_machine
from planner.plan.capacity import capacity
from planner.plan.run import Plan, run_plan
from planner.plan.target import Target
from planner.profile import Profile
from workers.model import Model

_LOOK_S = 1.0
_SPIN = """
import sys, time
share = float(sys.argv[1])
while True:
    end = time.monotonic() + share / 10
    while time.monotonic() < end: pass
    time.sleep((1 - share) / 10)
"""

app = typer.Typer(add_completion=False)


_HEAD = (
    "| items | m/s | m to the ejector | workers | load | in time, % | p95, ms | answers/s "
    "| target | machine |\n|---|---|---|---|---|---|---|---|---|---|"
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
            for number, belt in enumerate(drawn_belts(seed, belts)):
                found.append(_forecast(folder / str(number), belt, measured, fed, seconds))
                console.print(found[-1].markdown, soft_wrap=True)
    machine = measured.machine
    text = "\n".join(
        [
            f"{belts} belts of {seconds:g} s, seed {seed}, on {machine.cpu}, {machine.cores} cores"
            f"{f', {load:g} of them kept busy' if load else ''}:",
            "",
            *findings(found, measured.inference_ms / 1000),
        ]
    )
    console.print(f"\n{text}", soft_wrap=True)
    Page(markdown, "forecast").put(text)
    _draw(chart, found)


def _forecast(
    run_dir: Path, belt: Belt, profile: Profile, fed: Sequence[str], seconds: float
) -> Forecast:
    assignments = [*fed, *belt.assignments(seconds)]
    settings = settings_of(None, "demo", {}, assignments)
    settings = settings.replaced({"events": []})
    plan = Plan(settings, (profile,), Target({"in_time": TARGET}), 99, None)
    can = capacity(profile, 1, belt.workers, settings.worker_credit, plan.twin_error)
    cell = belt.cell(belt.items_per_min(can), profile.threshold)
    (told,) = run_plan(plan, [cell], usable_cores(), lambda *_: None, lambda every: [cell])
    options = [f"--workers={belt.workers}", f"--set=infeed.items_per_min={cell.items_per_min}"]
    options += [f"--set={each}" for each in assignments]
    before_s = _bare_inference_s(profile, settings)
    summary, _ = run_line(
        run_dir, ["--scenario=demo", f"--model={profile.model_path}", "--set=events=[]", *options]
    )
    after_s = _bare_inference_s(profile, settings)
    line = Figures.of(rows_of_line(run_dir))
    return Forecast(
        belt,
        told,
        {
            "in_time": line.in_time,
            "latency_p95_ms": line.p95_ms,
            "throughput_per_s": summary["throughput_fps"],
        },
        1000 * (before_s + after_s) / 2 / profile.inference_ms,
    )


def _bare_inference_s(profile: Profile, settings: Settings) -> float:
    model = Model.open(Path(profile.model_path), profile.engine, profile.model_sha256)
    size_px = model.takes.within(settings.camera.height_px, settings.camera.width_px)
    return this_machine.bare_inference_s(model.classify, size_px, _LOOK_S)


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
            marks.append(chart_file.Mark(*(rounded(name, value) for value in values)))
        panels.append((f"{title}: foretold range and the line; load grows to the right", marks))
    chart_file.write(path, panels)


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
