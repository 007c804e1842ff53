"""`python -m benchmarks.validate_plan`: whether a plan's answer holds in the real line.

The demo, fed from picture files, as fast as one worker cannot and two can: the plan says at what
infeeds that is so, and the real line runs in the middle of them, with two workers and with one,
which must fail. Its pictures come from files because drawing them takes most of a core: a machine
with two of them has then no room for a second worker, and no real camera draws.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.forecast.line_figures import PAGE, Figures, from_files, rows_of_line
from benchmarks.line_run import run_line
from commands.plan import plan as make_plan
from commands.profile import profile as measure_profile
from drill.page import Page
from line.errors import BadInput
from planner.plan.target import Prospect

INFEEDS = "4200:12000:300"
TARGET = 0.99
FEW, ENOUGH = 1, 2
_SECONDS = 30.0

Answer = dict[int, tuple[bool, float]]
"""Workers → whether the plan says that they meet the target, and the share in time."""

app = typer.Typer(add_completion=False)


@app.command()
def main(
    markdown: Annotated[Path, typer.Option(help="Markdown page with the markers")] = PAGE,
) -> None:
    """Plan, run, compare, write the table; status 1 if the plan's answer does not hold."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="scrapline-validate-") as name:
        folder = Path(name)
        profile, sets = folder / "profile.json", from_files(folder / "pictures")
        measure_profile(file=profile, assignments=sets)
        planned = _planned(folder / "plan", profile, sets)
        between = [infeed for infeed, met in planned.items() if met[ENOUGH][0] and not met[FEW][0]]
        if not between:
            raise BadInput("the plan does not tell one worker from two here; a busy machine?")
        infeed = between[len(between) // 2]
        rows = ["| workers | plan: in time | the line: in time | target |", "|---|---|---|---|"]
        holds = True
        for workers in (FEW, ENOUGH):
            real = _real(folder / f"run-{workers}", sets, infeed, workers)
            met = real >= TARGET
            holds = holds and met == (workers == ENOUGH)
            rows.append(
                f"| {workers} | {100 * planned[infeed][workers][1]:.1f} % | {100 * real:.1f} % "
                f"| {'met' if met else 'missed'} |"
            )
    said = (
        f"From {between[0]:g} to {between[-1]:g} items a minute "
        f"the plan asks for {ENOUGH} workers. "
        f"At {infeed:g} {'so does' if holds else 'NOT so'} the line:"
    )
    console.print("\n".join([said, "", *rows]), soft_wrap=True)
    Page(markdown, "plan").put("\n".join([said, "", *rows]))
    if not holds:
        raise typer.Exit(1)


def _planned(folder: Path, profile: Path, sets: list[str]) -> dict[float, Answer]:
    """By items a minute, ascending."""
    make_plan(
        profile=[profile],
        infeed=INFEEDS,
        belt_speed="1",
        workers=f"{FEW},{ENOUGH}",
        in_time=TARGET,
        duration=_SECONDS,
        folder=folder,
        assignments=sets,
    )
    planned: dict[float, Answer] = defaultdict(dict)
    with (folder / "plan.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            met = (row["target"] == Prospect.MET, float(row["in_time"]))
            planned[float(row["items_per_min"])][int(row["workers"])] = met
    return dict(sorted(planned.items()))


def _real(run_dir: Path, sets: list[str], infeed: float, workers: int) -> float:
    """Share of the items that the real line answers in time."""
    options = ["--scenario=demo", f"--workers={workers}", f"--duration={_SECONDS}"]
    every = [*sets, f"infeed.items_per_min={infeed:g}"]
    run_line(run_dir, [*options, *(f"--set={each}" for each in every)])
    return Figures.of(rows_of_line(run_dir)).in_time


if __name__ == "__main__":
    run(app)
