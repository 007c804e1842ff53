"""`run_line.py run`: launch the line, or go on with a run that was cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from launch.accounting import conclude
from launch.console import view_for
from launch.options import (
    AsJson,
    Assignments,
    Config,
    ModelFile,
    Scenario,
    Threshold,
    number_or_word,
    refuse_beside,
)
from launch.settings import checked_model, decided, settings_of
from line import runner
from line.exporter import exported
from line.resume import reopen
from line.run_folder import RunFolder
from workers.model import Model

DEFAULT_SCENARIO = "demo"


def run(
    context: typer.Context,
    config: Config = None,
    scenario: Scenario = None,
    workers: Annotated[str | None, typer.Option(help="a number, or auto: one a core")] = None,
    cameras: Annotated[int | None, typer.Option(help="lanes, each with its camera")] = None,
    speed: Annotated[str | None, typer.Option(help="clock multiplier, or max")] = None,
    belt_speed: Annotated[float | None, typer.Option(help="metres a second")] = None,
    interval: Annotated[float | None, typer.Option(help="seconds between items, regular")] = None,
    source: Annotated[
        str | None, typer.Option(help="procedural, a folder, a video file or webcam:N")
    ] = None,
    order: Annotated[str | None, typer.Option(help="of a folder: once or random")] = None,
    items: Annotated[int | None, typer.Option(help="feed this many")] = None,
    duration: Annotated[float | None, typer.Option(help="feed for this belt time, s")] = None,
    model: ModelFile = None,
    threshold: Threshold = None,
    active_learning: Annotated[
        bool | None, typer.Option(help="queue doubtful items for labelling")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="same seed, same belt")] = None,
    run_dir: Annotated[Path | None, typer.Option(help="empty or new folder")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="go on with the run in this folder, cut off or stopped")
    ] = None,
    assignments: Assignments = None,
    quiet: Annotated[bool, typer.Option(help="print errors only")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the line until its belt ends. Ctrl-C drains it; a second Ctrl-C stops it at once."""
    if resume is not None:
        refuse_beside(context, "resume", ("quiet", "as_json"))
        settings, facts, folder = reopen(resume)
        Model.load(Path(facts.path), settings.model.provider, facts.sha256)
        with view_for(quiet, as_json) as view, exported(settings, view) as watch:
            ended = runner.resume(settings, facts, folder, watch)
        return conclude(ended, folder, quiet, as_json)
    options: dict[str, object | None] = {
        "line.workers": number_or_word(workers),
        "line.cameras": cameras,
        "line.speed": number_or_word(speed),
        "line.items": items,
        "line.duration_s": duration,
        "line.seed": seed,
        "belt.speed_m_per_s": belt_speed,
        "infeed.process": None if interval is None else "regular",
        "infeed.items_per_min": 60 / interval if interval else interval,
        "source.spec": source,
        "source.order": order,
        "model.path": None if model is None else str(model),
        "decision.threshold": threshold,
        "review.enabled": active_learning,
    }
    if duration is None and (items is not None or (source is not None and Path(source).exists())):
        options["line.duration_s"] = 0  # asked for so many items, or for a whole folder
    if scenario is None and source is None:
        scenario = DEFAULT_SCENARIO
    elif scenario is None:
        options["title"] = Path(str(source)).name
    settings = settings_of(config, scenario, options, assignments)
    loaded = checked_model(settings)
    settings = decided(settings, loaded)
    folder = RunFolder.choose(run_dir, settings)
    with view_for(quiet, as_json) as view, exported(settings, view) as watch:
        ended = runner.run(settings, loaded.facts, folder, watch)
    return conclude(ended, folder, quiet, as_json)
