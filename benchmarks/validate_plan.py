"""`python -m benchmarks.validate_plan`: whether a plan's answer holds in the real line.

The demo, fed with more than one worker can do: the plan names the fewest workers that meet the
target; the real line then runs with that number, and with one fewer, which must fail. Its pictures
are small, so that a machine with two cores has room for a second worker beside the camera.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.between_markers import replace_between
from benchmarks.line_run import run_line
from benchmarks.validate_twin import PAGE, Figures, rows_of_line
from launch.commands.plan import plan as make_plan
from launch.commands.profile import profile as measure_profile
from line.errors import BadInput, ScraplineError

ITEMS_PER_MIN = 9600
TARGET = 0.99
PICTURES = ["camera.width_px=160", "camera.height_px=120"]
_SECONDS = 30.0

app = typer.Typer(add_completion=False)


@app.command()
def main(
    profile: Annotated[Path | None, typer.Option(help="not given: measured first")] = None,
    page: Annotated[Path, typer.Option(help="Markdown page with the markers")] = PAGE,
) -> None:
    """Plan, run, compare, write the table; status 1 if the plan's answer does not hold."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="scrapline-validate-") as name:
        folder = Path(name)
        if profile is None:
            profile = folder / "profile.json"
            measure_profile(file=profile, assignments=PICTURES)
        planned = _planned(folder / "plan", profile)
        fewest = next((w for w, (met, _) in sorted(planned.items()) if met), None)
        if fewest is None or fewest == 1:
            raise BadInput(f"the plan does not tell 1 worker from more: {planned}; a busy machine?")
        rows = ["| workers | plan: in time | the line: in time | target |", "|---|---|---|---|"]
        holds = True
        for workers in (fewest - 1, fewest):
            real = _real(folder / f"run-{workers}", workers)
            met = real >= TARGET
            holds = holds and met == (workers == fewest)
            rows.append(
                f"| {workers} | {100 * planned[workers][1]:.1f} % | {100 * real:.1f} % "
                f"| {'met' if met else 'missed'} |"
            )
    console.print("\n".join(rows))
    said = f"The plan says {fewest} workers, and {'so does' if holds else 'NOT'} the line:"
    replace_between(page, "plan", "\n".join([said, "", *rows]))
    if not holds:
        raise typer.Exit(1)


def _planned(folder: Path, profile: Path) -> dict[int, tuple[bool, float]]:
    """Workers → whether the plan says that they meet the target, and the share in time."""
    make_plan(
        profile=[profile],
        infeed=str(ITEMS_PER_MIN),
        belt_speed="1",
        workers="1,2,3",
        in_time=TARGET,
        duration=_SECONDS,
        folder=folder,
    )
    with (folder / "plan.csv").open(encoding="utf-8") as file:
        return {
            int(row["workers"]): (row["meets_target"] == "true", float(row["in_time"]))
            for row in csv.DictReader(file)
        }


def _real(run_dir: Path, workers: int) -> float:
    """Share of the items that the real line answers in time."""
    options = [f"--workers={workers}", f"--duration={_SECONDS}"]
    sets = [f"--set={each}" for each in (*PICTURES, f"infeed.items_per_min={ITEMS_PER_MIN}")]
    run_line(run_dir, ["--scenario=demo", *options, *sets])
    return Figures.of(rows_of_line(run_dir)).in_time


if __name__ == "__main__":
    try:
        app()
    except ScraplineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
