"""The commands: what stands on the command line, handed to the module that does the work.

Imports of torch stand inside the commands, so that `--help` and a misspelt flag answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from training.errors import BadInput, TrainingError
from training.flags import flags_of
from training.options import (
    AuditSettings,
    CalibrateSettings,
    EvaluateSettings,
    ExportSettings,
    IngestSettings,
    PrepareSettings,
    SelectSettings,
    SimulateSettings,
    TrainSettings,
)
from training.settings import load, read_table

app = typer.Typer(
    help="Train, judge and export the classifier of a sorting line.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console(soft_wrap=True)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit; a known error becomes one line on stderr and its exit code."""
    try:
        app(arguments)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


@app.command()
@flags_of(PrepareSettings)
def prepare(given: dict[str, Any], config: Path | None) -> None:
    """Split and check a folder of pictures, and write it with hashes."""
    from training.prepare import prepare

    settings = load(PrepareSettings, given, config)
    counts = prepare(settings)
    console.print(f"{settings.out}: {', '.join(f'{n} in {s}' for s, n in counts.items())}")


@app.command()
@flags_of(TrainSettings)
def train(given: dict[str, Any], config: Path | None) -> None:
    """Train on a prepared folder; Ctrl-C and --resume lose at most one epoch."""
    from training.checkpoint import load_checkpoint
    from training.fit import fit

    chosen = {**read_table(config, TrainSettings), **given}
    start = None
    if chosen.get("resume"):
        if "out" not in chosen:
            raise BadInput("--out: is required with --resume")
        start = load_checkpoint(Path(chosen["out"]) / "last.pt")
    settings = load(TrainSettings, given, config, start.settings if start else None)
    best = fit(settings, console, start)
    console.print(f"{settings.out}: best accuracy on val {best:.4f}")


@app.command()
@flags_of(ExportSettings)
def export(given: dict[str, Any], config: Path | None) -> None:
    """Write a checkpoint as ONNX (and TorchScript), checked against the network and measured."""
    from training.export.command import export

    export(load(ExportSettings, given, config), console)


@app.command()
@flags_of(EvaluateSettings)
def evaluate(given: dict[str, Any], config: Path | None) -> None:
    """Judge a model file by a folder of pictures: right, calibrated, selective, novel, fast."""
    from training.evaluate.command import evaluate

    evaluate(load(EvaluateSettings, given, config), console)


@app.command()
@flags_of(CalibrateSettings)
def calibrate(given: dict[str, Any], config: Path | None) -> None:
    """Put a temperature, a threshold and conformal sets into an ONNX file."""
    from training.calibrate.command import calibrate

    calibrate(load(CalibrateSettings, given, config), console)


@app.command()
@flags_of(AuditSettings)
def audit(given: dict[str, Any], config: Path | None) -> None:
    """Look for duplicates, leaks, conflicting and doubtful labels in a folder of pictures."""
    from training.audit.command import audit

    audit(load(AuditSettings, given, config), console)


@app.command()
@flags_of(SelectSettings)
def select(given: dict[str, Any], config: Path | None) -> None:
    """Choose the pictures of a pool that are most worth labelling."""
    from training.selection.command import select

    select(load(SelectSettings, given, config), console)


@app.command()
@flags_of(SimulateSettings)
def simulate(given: dict[str, Any], config: Path | None) -> None:
    """Measure how many labels each strategy saves against random choice."""
    from training.selection.simulate import simulate

    simulate(load(SimulateSettings, given, config), console)


@app.command()
@flags_of(IngestSettings)
def ingest(given: dict[str, Any], config: Path | None) -> None:
    """Bring labels from a review queue or Label Studio into a training folder."""
    from training.ingest.command import ingest

    ingest(load(IngestSettings, given, config), console)
