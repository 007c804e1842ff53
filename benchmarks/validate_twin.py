"""`python -m benchmarks.validate_twin`: belts that have run, and the twin with the same machine.

Belts are drawn by a seed, as `benchmarks.forecast` draws them, and run one after the other; then
each is simulated with the machine of that very run, as its trace has it: what differs is the fault
of the model, not of the weather. A belt that has been run is not run again, so what was cut off
goes on where it was, and a changed model is judged by the runs that there are.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.forecast.belts import Belt, drawn_belts
from benchmarks.forecast.hindcast import HEAD, Hindcast, findings, hindcast
from benchmarks.forecast.line_figures import PAGE, from_files
from benchmarks.line_run import run_line
from commands.profile import profile as measure_profile
from commands.run_setup.settings import settings_of
from drill.page import Page
from line.config import ROOT
from line.errors import BadInput
from planner.plan.capacity import capacity
from planner.plan.twin_error import TwinError
from planner.profile import Profile

_ASKED = 0.9
"""Share of the belts in which all figures are to hold."""
_WORKERS = 3
"""The most that are measured: as many as belts are drawn with."""

app = typer.Typer(add_completion=False)


@app.command()
def main(
    belts: Annotated[int, typer.Option(min=1, help="how many are drawn")] = 20,
    seed: Annotated[int, typer.Option(help="that draws them")] = 1,
    seconds: Annotated[float, typer.Option(min=3, help="of belt, a run")] = 30.0,
    folder: Annotated[Path, typer.Option(help="of profile, pictures and runs; kept")] = ROOT
    / "results"
    / "hindcast",
    profile: Annotated[Path | None, typer.Option(help="of the pictures in the folder")] = None,
    markdown: Annotated[Path, typer.Option(help="Markdown page with the markers")] = PAGE,
) -> None:
    """Run, simulate, compare, write the table; status 1 if too few belts hold."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    page = Page(markdown, "validation")
    folder = folder.absolute()
    fed = from_files(folder / "pictures")
    file = profile or folder / "profile.json"
    if not file.exists():
        measure_profile(file=file, workers=_WORKERS, assignments=fed)
    measured = Profile.load(file)
    if not measured.processor:
        raise BadInput(f"{file}: has no processor times: measure again with run_line.py profile")
    console.print("\n" + HEAD, soft_wrap=True)
    found: list[Hindcast] = []
    for number, belt in enumerate(drawn_belts(seed, belts)):
        run_dir = folder / f"{seconds:g}s-seed{seed}-belt{number}"
        if not (run_dir / "summary.json").exists():
            shutil.rmtree(run_dir, ignore_errors=True)
            run_line(run_dir, _options(belt, measured, fed, seconds))
        found.append(hindcast(run_dir, belt, measured))
        console.print(found[-1].markdown, soft_wrap=True)
    machine = measured.machine
    text = "\n".join(
        [
            f"Line / twin, {belts} belts of {seconds:g} s, seed {seed}, on {machine.cpu}, "
            f"{machine.cores} cores:",
            "",
            HEAD,
            *(each.markdown for each in found),
            "",
            *findings(found),
        ]
    )
    console.print(f"\n{text}", soft_wrap=True)
    page.put(text)
    console.print(f"\n{markdown}")
    if sum(not each.misses for each in found) < _ASKED * belts:
        raise typer.Exit(1)


def _options(belt: Belt, profile: Profile, fed: list[str], seconds: float) -> list[str]:
    """Of `run_line.py run`."""
    assignments = [*fed, *belt.assignments(seconds), "events=[]"]
    settings = settings_of(None, "demo", {"line.workers": belt.workers}, assignments)
    can = capacity(profile, 1, belt.workers, settings.worker_credit, TwinError())
    assignments.append(f"infeed.items_per_min={belt.items_per_min(can)}")
    options = ["--scenario=demo", f"--model={profile.model_path}", f"--workers={belt.workers}"]
    return [*options, *(f"--set={each}" for each in assignments)]


if __name__ == "__main__":
    run(app)
