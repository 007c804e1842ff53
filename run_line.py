#!/usr/bin/env python3
"""Scrapline's runner: launch the line, classify files, report on runs, check settings.

`python run_line.py` alone runs the demo scenario. Exit status: 0 fine, 2 bad input, 3 items
unaccounted for, 4 a whole stage died.
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from drill.plan import KINDS as FAULTS
from launch.console import err, out, shown, view_for
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
from launch.settings import checked_model, decided, load_model, settings_of
from line import runner
from line.errors import BadInput, ExitCode, ScraplineError
from line.exporter import exported
from line.resume import reopen
from line.run_folder import RunFolder
from workers.model import Model

DEFAULT_SCENARIO = "demo"

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


@app.command()
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
        return _conclude(ended, folder, quiet, as_json)
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
    return _conclude(ended, folder, quiet, as_json)


def _conclude(ended: runner.Ended, folder: RunFolder, quiet: bool, as_json: bool) -> None:
    """Account for a run, and exit as it went."""
    summary = _account(folder.path)
    if as_json:
        print(json.dumps(summary, indent=1))
    elif not quiet:
        from accounts.terminal import print_summary

        print_summary(summary, out)
        out.print(f"\n{shown(folder.path)}/report.html  results.csv  summary.json")
    if ended.error is not None:
        raise ended.error
    if summary["items"]["lost"] or summary["items"]["duplicates"]:
        raise typer.Exit(ExitCode.UNACCOUNTED)


@app.command()
def classify(
    paths: Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")],
    top: Annotated[int, typer.Option(min=1, help="classes to show")] = 3,
    threshold: Threshold = None,
    model: ModelFile = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Classify pictures without a line: the best classes, and whether the model is sure."""
    from workers import classify as files
    from workers.answer_table import print_answers

    options: dict[str, object | None] = {
        "model.path": None if model is None else str(model),
        "decision.threshold": threshold,
    }
    settings = settings_of(config, None, options, None)
    loaded = load_model(settings)
    settings = decided(settings, loaded)
    assert settings.decision.threshold != "model"
    answers = files.classify(
        loaded,
        files.picture_files(paths),
        settings.decision.threshold,
        settings.source.max_megapixels * 1e6,
        settings.source.max_file_mb * 1e6,
    )
    unreadable = print_answers(list(answers), top, as_json, out, err)
    if unreadable:
        raise BadInput(f"{unreadable} of the files could not be read")


@app.command()
def report(run_dir: Annotated[Path, typer.Argument(help="folder of a run")]) -> None:
    """Write summary.json and report.html of a run anew, and print its summary."""
    from accounts.terminal import print_summary

    print_summary(_account(run_dir), out)
    out.print(f"\n{shown(run_dir)}/report.html")


@app.command()
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


@app.command()
def check(
    config: Config = None,
    scenario: Scenario = None,
    model: ModelFile = None,
    source: Annotated[str | None, typer.Option(help="as for run")] = None,
    assignments: Assignments = None,
) -> None:
    """Validate configuration, scenario, source and model, without running anything."""
    options: dict[str, object | None] = {
        "model.path": None if model is None else str(model),
        "source.spec": source,
    }
    settings = settings_of(config, scenario, options, assignments)
    loaded = checked_model(settings)
    settings = decided(settings, loaded)
    out.print(f"settings  ok  {settings.title}: {settings.line.workers} workers")
    out.print(f"source    ok  {settings.source.spec}")
    names = ", ".join(loaded.facts.classes)
    out.print(f"model     ok  {shown(Path(loaded.facts.path))} ({names})")
    out.print(f"threshold ok  {settings.decision.threshold}")


@app.command()
def keys(
    folder: Annotated[Path, typer.Argument(help="where they are kept")],
    name: Annotated[
        list[str] | None, typer.Option(help="of a worker; may be repeated; default: remote")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="replace these workers' keys; without names, all keys")
    ] = False,
) -> None:
    """Make the keys that let workers on other machines in."""
    from line.keys import make

    for carried in make(folder, name or (), rotate=rotate):
        out.print(f"{shown(carried)}: carry it to that machine, then remove it here")


@app.command()
def override(
    run_dir: Annotated[Path, typer.Argument(help="folder of a run")],
    frame_id: Annotated[str | None, typer.Argument(help="item; none = all queued ones")] = None,
    label: Annotated[str | None, typer.Argument(help="what it is")] = None,
) -> None:
    """Say what an item really is. Without an item, asks about every queued one in turn."""
    from sinks.overrides import ask, record

    if frame_id is None:
        ask(run_dir, getpass.getuser(), out)
    elif label is None:
        raise BadInput(f"override {frame_id}: say what it is, as in: override RUN_DIR 0-17 glass")
    else:
        record(run_dir, frame_id, label, getpass.getuser())
        out.print(f"{frame_id} is {label}")


# -- what the commands share ----------------------------------------------------------------------


def _account(run_dir: Path) -> dict[str, Any]:
    # Imported late: pandas and matplotlib are not needed to start the line.
    from accounts.report import write_report
    from accounts.summary import write_summary

    summary = write_summary(run_dir)
    write_report(run_dir)
    return summary


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("--help", "-h")):
        arguments = ["run", *arguments]
    try:
        return int(app(arguments, prog_name="run_line.py", standalone_mode=False) or 0)
    except typer.TyperException as error:
        message, code = error.format_message(), ExitCode.BAD_INPUT
    except ScraplineError as error:
        message, code = str(error), error.exit_code
    err.print(f"error: {message}", style="red", soft_wrap=True, markup=False)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
