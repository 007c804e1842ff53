"""`run_line.py calibrate`: a temperature and a threshold for a model in another engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.options import Config, ModelFile
from commands.printing import err, out, shown
from commands.run_setup.settings import load_model, settings_of
from line.atomic_file import write_atomically
from line.errors import BadInput
from line.missing_package import optional
from line.model.onnx_file import read_entries
from line.plain_text import plain
from line.section import DEFAULT_ENGINE

if TYPE_CHECKING:  # it loads onnx, which only this command needs
    from adoption.engine_fit import EngineFit
    from workers.model import Model

_WRITTEN = "scrapline.engine."
Other = Literal["openvino", "cuda"]


def calibrate(
    engine: Annotated[Other, typer.Option(help="that is to run the model")],
    check: Annotated[
        Path, typer.Option(help="class folders of pictures that the model was not trained on")
    ],
    model: ModelFile = None,
    file_out: Annotated[
        Path | None,
        typer.Option("--out", help="not given: NAME.calibrated.onnx; may be the model itself"),
    ] = None,
    config: Config = None,
) -> None:
    """Compare an engine with the default one on your pictures, and calibrate the model for it."""
    with optional("calibrate", "adopt.txt"):
        from adoption.check import labelled_paths, read_all
        from adoption.engine_fit import both_answers, fit, with_calibration
    from workers.engines.choice import LEAST_PICTURES, complaint
    from workers.model import Model
    from workers.model_file import read

    named = None if model is None else str(model)
    options: dict[str, object | None] = {"model.path": named, "model.engine": DEFAULT_ENGINE}
    settings = settings_of(config, None, options, None)
    default = load_model(settings)
    source = Path(default.facts.path)
    target = file_out or source.with_suffix(".calibrated.onnx")
    _refuse_target(target, source)
    other = replace(Model.load(source, engine, default.facts.sha256), calibration=None)

    names = default.facts.classes
    paths, labels = labelled_paths(check, names, "--check")
    where = f"--check {plain(str(check))}"
    if len(paths) < LEAST_PICTURES:
        raise BadInput(
            f"{where}: holds {len(paths)} pictures, at least {LEAST_PICTURES} are needed"
        )
    asked = read_all(paths, names, settings.source.max_megapixels * 1e6)
    answers = both_answers(default, other, asked)
    try:
        found = fit(engine, *answers, labels, default.default_threshold)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    content, _ = read(source, default.facts.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, with_calibration(content, engine, found.kept))
    _print(found, default, engine)
    cautions = [*found.cautions]
    if fault := complaint(found.kept, engine):
        cautions.append(f'model.engine = "auto" will not take it: {fault}')
    for caution in cautions:
        err.print(f"caution: {plain(caution)}", style="yellow", soft_wrap=True)
    told = f"run_line.py run --model {shown(target)} --set model.engine={engine}"
    out.print(f"\n{shown(target)}; run it: {told}", soft_wrap=True)


def _refuse_target(target: Path, source: Path) -> None:
    """Only the model itself and what this command has written are replaced."""
    if target.suffix != ".onnx":
        raise BadInput(f"--out {plain(str(target))}: must end in .onnx")
    if not target.exists() or target.samefile(source):
        return
    try:
        is_ours = any(key.startswith(_WRITTEN) for key in read_entries(target))
    except (OSError, ValueError):
        is_ours = False
    if not is_ours:
        raise BadInput(f"--out {plain(str(target))}: is there, and another file; name another")


def _print(found: EngineFit, default: Model, engine: str) -> None:
    from rich.table import Table

    from adoption.calibration import PRECISION
    from adoption.check import MOVED

    kept, fitted, (low, high) = found.kept, found.fitted, found.interval
    usual, same = default.default_threshold, found.kept.same_class
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = {
        "pictures": f"{kept.pictures}, in {DEFAULT_ENGINE} and in {engine} {kept.version}",
        "same class": f"{same} of {kept.pictures} ({same / kept.pictures:.1%})",
        "another class": str(kept.pictures - same),
        f"moved by more than {MOVED}": str(kept.moved),
        "crossed the threshold": "none is named"
        if usual is None
        else f"{kept.crossed} ({usual:.4f})",
        "temperature": f"{kept.temperature:.4f}; loss {fitted.nll_before:.4f} → "
        f"{fitted.nll_after:.4f}",
        "threshold": f"{kept.threshold:.4f}: {fitted.right} of {fitted.sure} right, coverage "
        f"{fitted.coverage:.1%}",
        "out of fold": f"{kept.right} of {kept.sure} sure ones right, 95% interval {low:.4f} to "
        f"{high:.4f}, wanted {PRECISION}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)
