"""`run_line.py drill`: runs under a storm of faults, and their audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.options import AsJson, Assignments, ModelFile
from commands.printing import err, out, shown
from commands.run_setup.settings import checked_model, settings_of
from drill.plan import KINDS as FAULTS
from line.errors import ExitCode
from line.run_files.run_folder import RunFolder


def drill(
    scenario: Annotated[str, typer.Option(help="as for run; must have a duration")] = "storm",
    seed: Annotated[
        str | None, typer.Option(help="7, 1,2,5 or 1..20: a storm for each, the same again")
    ] = None,
    faults: Annotated[int, typer.Option(min=0, help="to inject over each whole run")] = 27,
    minutes: Annotated[float | None, typer.Option(help="of belt time, to soak")] = None,
    workers: Annotated[int | None, typer.Option(help="as for run")] = None,
    kinds: Annotated[str | None, typer.Option(help=f"some of {','.join(FAULTS)}")] = None,
    naive: Annotated[
        bool, typer.Option("--naive", help="and the same storm over a naive PUSH/PULL line")
    ] = False,
    model: ModelFile = None,
    run_dir: Annotated[Path | None, typer.Option(help="empty or new folder")] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="page to fill in at <!-- storms -->; of one storm at <!-- soak -->"),
    ] = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario under a storm of faults, and count whether any item was lost or doubled."""
    from drill.campaign import campaign_tables, campaign_word, run_campaign
    from drill.one_storm import Order, parse_kinds, run_drill
    from drill.page import Page
    from drill.plan import parse_seeds
    from drill.verdict import verdict_tables, verdict_word

    options: dict[str, object | None] = {
        "line.workers": workers,
        "line.duration_s": None if minutes is None else 60 * minutes,
        "model.path": None if model is None else str(model),
    }
    wanted = parse_kinds(kinds)
    settings = settings_of(None, scenario, options, assignments)
    seeds = (settings.line.seed,) if seed is None else parse_seeds(seed)
    is_one = len(seeds) == 1 and not naive
    page = None if markdown is None else Page(markdown, "soak" if is_one else "storms")
    path = Path(checked_model(settings).facts.path)
    folder = RunFolder.choose(run_dir, settings).path

    def order(number: int) -> Order:
        seeded = settings_of(None, scenario, {**options, "line.seed": number}, assignments)
        place = folder if is_one else folder / f"seed-{number}"
        return Order(seeded, scenario, assignments or (), path, place, faults, wanted)

    if is_one:
        found = run_drill(order(seeds[0]), err)
        tables, last_word = verdict_tables(found), verdict_word(found)
    else:
        found = run_campaign([order(number) for number in seeds], folder, err, naive=naive)
        tables, last_word = campaign_tables(found), campaign_word(found)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for table in tables:
            table.print(out)
        for note in found["notes"]:
            out.print(f"note: {note}", style="yellow", markup=False)
        out.print(last_word, style="bold green" if found["passed"] else "bold red", markup=False)
        out.print(f"\n{shown(folder)}/drill.json")
    if page is not None:
        page.fill(tables)
    if not found["passed"]:
        raise typer.Exit(ExitCode.UNACCOUNTED)
