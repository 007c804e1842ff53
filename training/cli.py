"""The commands: what stands on the command line, handed to the module that does the work.

Imports of torch stand inside the commands, so that `--help` and a misspelt flag answer at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from training.audit.options import AuditSettings
from training.calibrate.options import CalibrateSettings
from training.errors import BadInput, Interrupted, TrainingError
from training.evaluate.options import EvaluateSettings
from training.export.options import ExportSettings
from training.flags import flags_of
from training.hub.options import PullSettings, PushSettings
from training.ingest.options import IngestSettings
from training.options import load, read_table
from training.pipeline.options import PipelineSettings
from training.prepare.options import PrepareSettings
from training.quantize.options import QuantizeSettings
from training.refit.options import RefitSettings
from training.report.options import ReportSettings
from training.selection.options import SelectSettings, SimulateSettings
from training.train.options import AverageSettings, TrainSettings

app = typer.Typer(
    help="Train, judge and export the classifier of a sorting line.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console(soft_wrap=True)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit; a known error becomes one line on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files may be of any encoding, or of none
            stream.reconfigure(errors="backslashreplace")
    try:
        given = sys.argv[1:] if arguments is None else arguments
        sys.exit(app(given or ["--help"], standalone_mode=False) or 0)
    except typer.Abort:
        print("interrupted", file=sys.stderr)
        sys.exit(Interrupted.exit_code)
    except typer.TyperException as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        sys.exit(BadInput.exit_code)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # of a copy, the second name is what could not be written
        named = error.filename2 or error.filename
        what = error.strerror or str(error)
        print(f"error: {named}: {what}" if named else f"error: {what}", file=sys.stderr)
        sys.exit(BadInput.exit_code)


@app.command()
@flags_of(PrepareSettings)
def prepare(given: dict[str, Any], config: Path | None) -> None:
    """Split and check a folder of pictures, and write it with hashes."""
    from training.prepare.prepared_folder import prepare

    settings = load(PrepareSettings, given, config)
    counts = prepare(settings, console)
    console.print(f"{settings.out}: {', '.join(f'{n} in {s}' for s, n in counts.items())}")


@app.command()
@flags_of(TrainSettings)
def train(given: dict[str, Any], config: Path | None) -> None:
    """Train on a prepared folder; a run that was stopped, however, goes on with --resume."""
    from training.checkpoint import load_run
    from training.presets import train_settings
    from training.train.fit import fit
    from training.train.run_folder import how_to_go_on, warning_of_run

    chosen = {**read_table(config, TrainSettings), **given}
    start = None
    if chosen.get("resume"):
        if "out" not in chosen:
            raise BadInput("--out: is required with --resume")
        start = load_run(Path(str(chosen["out"])))
    settings = train_settings(given, config, start.settings if start else None)
    try:
        best = fit(settings, console, start)
    except KeyboardInterrupt as error:
        raise Interrupted(how_to_go_on(settings.out)) from error
    if warning := warning_of_run(settings.out):
        console.print(warning, markup=False)
    console.print(f"{settings.out}: {best}", markup=False)


@app.command()
@flags_of(AverageSettings)
def average(given: dict[str, Any], config: Path | None) -> None:
    """Average the weights of runs that began alike into one checkpoint."""
    from training.train.average import average

    console.print(f"{average(load(AverageSettings, given, config))}")


@app.command()
@flags_of(ExportSettings)
def export(given: dict[str, Any], config: Path | None) -> None:
    """Write a checkpoint as ONNX (and TorchScript), checked against the network and measured."""
    from training.export.export_model import export

    export(load(ExportSettings, given, config), console)


@app.command()
@flags_of(QuantizeSettings)
def quantize(given: dict[str, Any], config: Path | None) -> None:
    """Write a checkpoint as ONNX in eight bits: the best variant within the allowed drop."""
    from training.quantize.quantize_model import quantize

    quantize(load(QuantizeSettings, given, config), console)


@app.command()
@flags_of(EvaluateSettings)
def evaluate(given: dict[str, Any], config: Path | None) -> None:
    """Judge a model file by a folder of pictures: right, calibrated, selective, novel, fast."""
    from training.evaluate.evaluate_model import evaluate

    evaluate(load(EvaluateSettings, given, config), console)


@app.command()
@flags_of(CalibrateSettings)
def calibrate(given: dict[str, Any], config: Path | None) -> None:
    """Put a temperature, a threshold and conformal sets into an ONNX file."""
    from training.calibrate.calibrate_model import calibrate

    calibrate(load(CalibrateSettings, given, config), console)


@app.command()
@flags_of(AuditSettings)
def audit(given: dict[str, Any], config: Path | None) -> None:
    """Look for duplicates, leaks, conflicting and doubtful labels in a folder of pictures."""
    from training.audit.audit_folder import audit

    audit(load(AuditSettings, given, config), console)


@app.command()
@flags_of(SelectSettings)
def select(given: dict[str, Any], config: Path | None) -> None:
    """Choose the pictures of a pool that are most worth labelling."""
    from training.selection.choose_pictures import select

    select(load(SelectSettings, given, config), console)


@app.command()
@flags_of(SimulateSettings)
def simulate(given: dict[str, Any], config: Path | None) -> None:
    """Measure how many labels each strategy saves against random choice."""
    from training.selection.simulate import simulate

    simulate(load(SimulateSettings, given, config), console)


@app.command()
@flags_of(RefitSettings)
def refit(given: dict[str, Any], config: Path | None) -> None:
    """Fit a model file's last layer anew on labelled pictures, and say what that gains."""
    from training.refit.refit_model import refit

    refit(load(RefitSettings, given, config), console)


@app.command()
@flags_of(IngestSettings)
def ingest(given: dict[str, Any], config: Path | None) -> None:
    """Bring labels from a review queue or Label Studio into a training folder."""
    from training.ingest.ingest_labels import ingest

    ingest(load(IngestSettings, given, config), console)


@app.command()
@flags_of(PushSettings)
def push(given: dict[str, Any], config: Path | None) -> None:
    """Put a model with its card into a hub repository or a folder."""
    from training.hub.transfer import push

    console.print(push(load(PushSettings, given, config)))


@app.command()
@flags_of(PullSettings)
def pull(given: dict[str, Any], config: Path | None) -> None:
    """Bring a model with its card from a hub repository, an address or a folder, and check it."""
    from training.hub.transfer import pull

    for path in pull(load(PullSettings, given, config), console):
        console.print(str(path))


@app.command()
@flags_of(ReportSettings)
def report(given: dict[str, Any], config: Path | None) -> None:
    """Write a performance report and the model card from measured files alone."""
    from training.report.write_report import report

    report(load(ReportSettings, given, config), console)


@app.command()
@flags_of(PipelineSettings)
def pipeline(given: dict[str, Any], config: Path | None) -> None:
    """Prepare, train, export, quantise, calibrate, evaluate, run the line, report: all in one."""
    from training.pipeline.run_pipeline import pipeline

    pipeline(load(PipelineSettings, given, config), config, console)
