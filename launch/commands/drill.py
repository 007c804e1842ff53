"""`run_line.py drill`: a run under a storm of faults, and its audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from drill.plan import KINDS as FAULTS
from launch.console import err, out, shown
from launch.options import AsJson, Assignments, ModelFile
from launch.settings import checked_model, settings_of
from line.errors import ExitCode
from line.run_folder import RunFolder


def drill(
    scenario: Annotated[str, typer.Option(help="as for run; must have a duration")] = "steady",
    seed: Annotated[int | None, typer.Option(help="same seed, same belt, same plan")] = None,
    faults: Annotated[int, typer.Option(min=0, help="to inject over the whole run")] = 20,
    minutes: Annotated[float | None, typer.Option(help="of belt time, to soak")] = None,
    workers: Annotated[int | None, typer.Option(help="as for run")] = None,
    kinds: Annotated[str | None, typer.Option(help=f"some of {','.join(FAULTS)}")] = None,
    model: ModelFile = None,
    run_dir: Annotated[Path | None, typer.Option(help="empty or new folder")] = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario under a storm of faults, and count whether any item was lost or doubled."""
    from drill.command import Order, parse_kinds, run_drill
    from drill.verdict import print_verdict

    options: dict[str, object | None] = {
        "line.seed": seed,
        "line.workers": workers,
        "line.duration_s": None if minutes is None else 60 * minutes,
        "model.path": None if model is None else str(model),
    }
    wanted = parse_kinds(kinds)
    settings = settings_of(None, scenario, options, assignments)
    path = Path(checked_model(settings).facts.path)
    folder = RunFolder.choose(run_dir, settings).path
    found = run_drill(
        Order(settings, scenario, assignments or (), path, folder, faults, wanted), err
    )
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print_verdict(found, out)
        out.print(f"\n{shown(folder)}/drill.json  soak.csv  logs/runner.log")
    if not found["passed"]:
        raise typer.Exit(ExitCode.UNACCOUNTED)
