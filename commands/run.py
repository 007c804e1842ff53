"""`run_line.py run`: launch the line, or go on with a run that was cut off."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.options import (
    AsJson,
    Assignments,
    Config,
    ModelFile,
    Scenario,
    Threshold,
    number_or_word,
    refuse_beside,
)
from commands.run_setup.accounting import conclude, run_and_account
from commands.run_setup.resuming import taken_up
from commands.run_setup.run_console import with_console_decided
from commands.run_setup.settings import checked_model, decided, facts_of, settings_of
from line.errors import BadInput
from line.run_files.run_folder import RunFolder
from line.settings import SourceSettings
from line.supervise import runner
from producers.sources import keep_pictures

_BESIDE_RESUME = ("quiet", "as_json", "config", "console", "assignments")
DEFAULT_SCENARIO = "demo"
Clock = Literal["real", "virtual"]


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
    clock: Annotated[
        Clock, typer.Option(help="virtual: simulate it all, as fast as this machine can count")
    ] = "real",
    profile: Annotated[
        Path | None, typer.Option(help="of --clock virtual; default: the newest that was made")
    ] = None,
    record: Annotated[
        bool | None, typer.Option(help="keep all that passes the photo-eyes, to be replayed")
    ] = None,
    console: Annotated[
        str | None, typer.Option(help="web pages beside the run: on, off, or auto: in a terminal")
    ] = None,
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
        refuse_beside(context, "resume", _BESIDE_RESUME)
        settings, facts, folder = taken_up(resume, config, console, assignments or ())
        settings, access = with_console_decided(settings, resume, silent=quiet or as_json)
        start = partial(runner.resume, settings, facts, folder, access=access)
        return run_and_account(start, settings, folder, quiet=quiet, as_json=as_json)
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
        "record.enabled": record,
        "console.on": console,
    }
    if scenario is None and source is None:
        scenario = DEFAULT_SCENARIO
    elif scenario is None:
        options["title"] = Path(str(source)).name
    if duration is None and items is not None:
        options["line.duration_s"] = 0  # asked for so many items
    settings = settings_of(config, scenario, options, assignments)
    if duration is None and source is not None and _has_an_end(settings.source):
        options["line.duration_s"] = 0  # asked for all that is there
        settings = settings_of(config, scenario, options, assignments)
    if clock == "virtual":
        from commands.run_setup import virtual

        if console == "on":
            raise BadInput("--console: a run in virtual time is over before anybody could look")
        found, known = virtual.profile_for(settings, profile, model)
        settings = virtual.with_thresholds(settings, known)
        folder = RunFolder.choose(run_dir, settings)
        ended = virtual.run(settings, found, known, folder, quiet or as_json)
        return conclude(ended, folder, quiet, as_json)
    if profile is not None:
        raise BadInput("--profile: the real line needs none; it is for --clock virtual")
    loaded = checked_model(settings, silent=quiet)
    facts, settings = facts_of(settings, loaded), decided(settings, loaded)
    folder = RunFolder.choose(run_dir, settings)
    settings, access = with_console_decided(settings, folder.path, silent=quiet or as_json)
    prepare = partial(keep_pictures, settings)
    start = partial(runner.run, settings, facts, folder, prepare, access=access)
    return run_and_account(start, settings, folder, quiet=quiet, as_json=as_json)


def _has_an_end(source: SourceSettings) -> bool:
    """A video has, and a folder whose pictures are not drawn at random."""
    path = Path(source.spec)
    return path.exists() and not (path.is_dir() and source.order == "random")
