#!/usr/bin/env python3
"""Scrapline's runner: launch the line, classify files, report on runs, check settings.

`python run_line.py` alone runs the demo scenario. Exit status: 0 fine, 2 bad input, 3 items
unaccounted for, 4 a whole stage died.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from drill.plan import KINDS as FAULTS
from line import runner
from line.config import ROOT, load
from line.errors import BadInput, ExitCode, ScraplineError
from line.exporter import exported
from line.resume import reopen
from line.run_folder import RunFolder
from line.settings import Settings
from line.sockets import check_door
from line.view import LiveView, PlainView, QuietView, View
from producers.sources import open_source
from workers.model import Model, find

DEFAULT_SCENARIO = "demo"

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)
# In a pipe there is no window whose width would matter.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False)

# -- options that several commands take ---------------------------------------------------------

Config = Annotated[Path | None, typer.Option(help="TOML file over the shipped config.toml")]
Scenario = Annotated[str | None, typer.Option(help="name in scenarios/ or a TOML file")]
ModelFile = Annotated[Path | None, typer.Option(help=".onnx or .ts file, or a folder with one")]
Threshold = Annotated[
    float | None, typer.Option(help="less sure: left on the belt, 0..1; not given: the model's own")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="section.key=value; may be repeated")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON only")]


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
        _refuse_beside(context, "resume", ("quiet", "as_json"))
        settings, facts, folder = reopen(resume)
        Model.load(Path(facts.path), settings.model.provider, facts.sha256)
        with _view(quiet, as_json) as view, exported(settings, view) as watch:
            ended = runner.resume(settings, facts, folder, watch)
        return _conclude(ended, folder, quiet, as_json)
    options: dict[str, object | None] = {
        "line.workers": _number_or_word(workers),
        "line.cameras": cameras,
        "line.speed": _number_or_word(speed),
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
    settings = _settings(config, scenario, options, assignments)
    loaded = _checked_model(settings)
    settings = _decided(settings, loaded)
    folder = RunFolder.choose(run_dir, settings)
    with _view(quiet, as_json) as view, exported(settings, view) as watch:
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
        out.print(f"\n{_shown(folder.path)}/report.html  results.csv  summary.json")
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
    settings = _settings(config, None, options, None)
    loaded = _load_model(settings)
    settings = _decided(settings, loaded)
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
    out.print(f"\n{_shown(run_dir)}/report.html")


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
    settings = _settings(None, scenario, options, assignments)
    path = Path(_checked_model(settings).facts.path)
    folder = RunFolder.choose(run_dir, settings).path
    found = run_drill(
        Order(settings, scenario, assignments or (), path, folder, faults, wanted), err
    )
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print_verdict(found, out)
        out.print(f"\n{_shown(folder)}/drill.json  soak.csv  logs/runner.log")
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
    settings = _settings(config, scenario, options, assignments)
    loaded = _checked_model(settings)
    settings = _decided(settings, loaded)
    out.print(f"settings  ok  {settings.title}: {settings.line.workers} workers")
    out.print(f"source    ok  {settings.source.spec}")
    names = ", ".join(loaded.facts.classes)
    out.print(f"model     ok  {_shown(Path(loaded.facts.path))} ({names})")
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
        out.print(f"{_shown(carried)}: carry it to that machine, then remove it here")


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


def _settings(
    config: Path | None,
    scenario: str | None,
    options: dict[str, object | None],
    assignments: list[str] | None,
) -> Settings:
    given = [(key, value) for key, value in options.items() if value is not None]
    settings = load(config, scenario, given, assignments or ())
    values = settings.model_dump()
    if settings.line.workers == "auto":
        values["line"]["workers"] = _cores()
    if Path(settings.source.spec).exists():
        values["source"]["spec"] = str(Path(settings.source.spec).absolute())
    if settings.transport.keys:
        values["transport"]["keys"] = str(Path(settings.transport.keys).absolute())
    return Settings.model_validate(values)


def _decided(settings: Settings, model: Model) -> Settings:
    """The settings with the model's own threshold, where they leave that to it."""
    if settings.decision.threshold != "model":
        return settings
    values = settings.model_dump()
    values["decision"]["threshold"] = model.threshold
    return Settings.model_validate(values)


def _refuse_beside(context: typer.Context, option: str, allowed: tuple[str, ...]) -> None:
    """An option that takes everything from a run folder stands alone."""
    for name in context.params:
        given = context.get_parameter_source(name)
        if given is not None and given.name == "COMMANDLINE" and name not in (option, *allowed):
            flag = {"assignments": "set"}.get(name, name.replace("_", "-"))
            raise BadInput(f"--{option}: goes on with the run's own settings, without --{flag}")


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load_model(settings: Settings) -> Model:
    path = Path(settings.model.path)
    if not path.exists() and not path.is_absolute() and (ROOT / path).exists():
        path = ROOT / path  # the shipped model, wherever the runner is called from
    return Model.load(find(path), settings.model.provider)


def _checked_model(settings: Settings) -> Model:
    """The model, if all else fits it and itself. Raises BadInput naming what does not."""
    model = _load_model(settings)
    known = model.facts.classes
    names = ", ".join(known)
    with closing(open_source(settings)) as source:
        strange = [name for name in source.classes or () if name not in known]
    if strange:
        raise BadInput(
            f"source.spec: {settings.source.spec} has the class {strange[0]!r}, "
            f"which the model {model.facts.path} does not know ({names})"
        )
    residue = settings.belt.residue_class
    check_door(settings.transport)
    if residue and residue not in known:
        raise BadInput(f"belt.residue_class: {residue!r} is not a class of the model ({names})")
    return model


def _view(quiet: bool, as_json: bool) -> View:
    if quiet or as_json:
        return QuietView()
    return LiveView(out) if out.is_terminal else PlainView(out)


def _account(run_dir: Path) -> dict[str, Any]:
    # Imported late: pandas and matplotlib are not needed to start the line.
    from accounts.report import write_report
    from accounts.summary import write_summary

    summary = write_summary(run_dir)
    write_report(run_dir)
    return summary


def _number_or_word(text: str | None) -> object | None:
    """`4` and `0.5` as numbers, anything else as it is: validation names the key."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _shown(path: Path) -> str:
    """A path as short as it can be given from here."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


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
