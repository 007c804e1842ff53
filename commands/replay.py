"""`run_line.py replay`: feed again what an earlier run fed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from commands.options import AsJson, ModelFile, NoveltyEnergy, number_or_word
from commands.printing import out, shown
from commands.run_setup.accounting import run_and_account
from line.section import EngineName


def replay(
    run_dir: Annotated[Path, typer.Argument(help="folder of the run to replay")],
    speed: Annotated[str | None, typer.Option(help="clock multiplier, or max")] = None,
    belt_speed: Annotated[
        float | None, typer.Option(help="metres a second; items lie on the belt as they did")
    ] = None,
    model: ModelFile = None,
    engine: Annotated[EngineName | None, typer.Option(help="not given: as then")] = None,
    workers: Annotated[str | None, typer.Option(help="a number, or auto: one a core")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="0..1; not given: as then, or another model's or engine's own"),
    ] = None,
    novelty_energy: NoveltyEnergy = None,
    with_faults: Annotated[
        bool, typer.Option("--with-faults", help="repeat the scenario's faults as well")
    ] = False,
    into: Annotated[
        Path | None, typer.Option("--run-dir", help="empty or new folder for this run")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="print errors only")] = False,
    as_json: AsJson = False,
) -> None:
    """Feed again what an earlier run fed: the same pictures at the same places on the belt.

    What is not given is as it was in that run.
    """
    from commands.run_setup.replaying import check_unchanged, replay_of
    from commands.run_setup.settings import checked_model, decided, facts_of
    from line.run_files.run_folder import RunFolder
    from line.supervise import runner
    from producers.sources import keep_pictures

    options: dict[str, object | None] = {
        "line.speed": number_or_word(speed),
        "belt.speed_m_per_s": belt_speed,
        "line.workers": number_or_word(workers),
        "model.path": None if model is None else str(model),
        "model.engine": engine,
        "decision.threshold": threshold,
        "decision.novelty_energy": number_or_word(novelty_energy),
    }
    given = {key: value for key, value in options.items() if value is not None}
    again = replay_of(run_dir, given, with_faults=with_faults)
    if model is None:
        check_unchanged(again.model, run_dir)
    loaded = checked_model(again.settings)
    facts, settings = facts_of(again.settings, loaded), decided(again.settings, loaded)
    folder = RunFolder.choose(into, settings)
    if not (quiet or as_json):
        out.print(f"replays {shown(run_dir)}: {again.told}", soft_wrap=True)
    start = partial(runner.run, settings, facts, folder, partial(keep_pictures, settings))
    return run_and_account(start, settings, folder, quiet=quiet, as_json=as_json)
