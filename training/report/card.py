"""The model card, and what `export` measured beside the file it wrote: MODEL.export.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.export.runners import Latency
from training.machine import describe_machine
from training.metrics import Confusion
from training.report import figures_text, model_text, training_text
from training.report.document import Section, in_the_model, write_text
from training.report.material import Material
from training.report.model_text import ReportedModel
from training.report.sources import Kind, command_of, shown
from training.train.options import TrainSettings
from training.whole_file import replace_text

IN_ORDER = (Kind.PREPARE, Kind.TRAIN, Kind.EXPORT, Kind.QUANTIZE)
PIPELINE_ORDER = ("prepare", "train", "export", "quantize", "calibrate")


def write_card(
    path: Path, title: str, material: Material, model: ReportedModel, made_by: str = ""
) -> None:
    """Write the card as Markdown. Raises BadInput if it cannot be written."""
    evaluated, exported = material.of(Kind.EVALUATE), material.of(Kind.EXPORT)
    sections = [
        model_text.what_it_is(model),
        _intended_use(model),
        model_text.classes(model),
        model_text.inputs_and_outputs(model),
        *figures_text.accuracy(evaluated, exported),
        model_text.calibration(model),
        *figures_text.latency(evaluated, exported),
        *training_text.data(material.of(Kind.PREPARE)),
        *training_text.training(material.of(Kind.TRAIN)),
        _provenance(model),
        _made_anew(material, model, made_by),
    ]
    write_text(path, title, sections)


def _intended_use(model: ReportedModel) -> Section:
    text = (
        "To sort single items on a belt, one item a picture, or to look at such pictures. It is "
        f"no guard of people or machines.\n\nIt names one of its {len(model.classes)} classes for "
        "anything it is shown, things of no class included. Figures on the pictures named here do "
        "not carry over to another camera, light or belt: measure there, and calibrate there. Val "
        "chose the best epoch, so what is measured on val is a little too good."
    )
    return Section("Intended use and limits", text)


def _provenance(model: ReportedModel) -> Section:
    stated = model.facts.get("provenance") or "Not stated; `export --provenance` puts it there."
    text = f"{stated}\n\nWhat the licences of those pictures and weights ask, this file asks too."
    return in_the_model("Provenance and licence", text, model.path)


def _made_anew(material: Material, model: ReportedModel, made_by: str) -> Section:
    title = "How to make it anew"
    if made_by:
        return Section(title, f"```sh\n{made_by}\n```")
    known = [material.commands[step] for step in PIPELINE_ORDER if step in material.commands]
    if not known:
        known = [command_of(source) for kind in IN_ORDER for source in material.of(kind)]
    if not known:
        return Section(title, f"No command that made {shown(model.path)} is known.")
    return Section(title, "\n".join(["```sh", *known, "```"]))


@dataclass(frozen=True)
class Measured:
    """Figures of one exported ONNX file: on named sets of pictures, and in time."""

    sets: Mapping[str, Confusion]
    latency: Sequence[Latency]


def write_measured(
    path: Path, title: str, checkpoint: Path, trained: TrainSettings, measured: Measured
) -> None:
    """Write record and card of the model at `path`, exported from `checkpoint`."""
    model = ReportedModel.open(path)
    record = path.with_suffix(".export.json")
    text = json.dumps(_figures(model, checkpoint, measured), indent=2, ensure_ascii=False)
    replace_text(record, text + "\n")
    run = checkpoint if checkpoint.is_dir() else checkpoint.parent
    at_hand = (run / "metrics.json", trained.data / "manifest.json")
    material = Material.gather([record, *(file for file in at_hand if file.is_file())], path)
    write_card(path.with_suffix(".md"), title, material, model)


def _figures(model: ReportedModel, checkpoint: Path, measured: Measured) -> dict[str, Any]:
    return {
        "model": {
            "file": str(model.path),
            "sha256": model.sha256,
            "bytes": model.size_bytes,
        },
        "checkpoint": str(checkpoint),
        "sets": {name: confusion.summary() for name, confusion in measured.sets.items()},
        "latency": [
            {
                "height_px": timed.size_px[0],
                "width_px": timed.size_px[1],
                "median_ms": timed.median_ms,
                "p95_ms": timed.p95_ms,
            }
            for timed in measured.latency
        ],
        "machine": describe_machine(),
    }
