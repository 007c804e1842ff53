"""The model card: what the file is, what it was measured to do, where it came from."""

from __future__ import annotations

from pathlib import Path

from training.report import of_figures, of_model, of_training
from training.report.commands import command_of, shown
from training.report.document import write_text
from training.report.material import Material
from training.report.model import ReportedModel
from training.report.section import Section, in_the_model
from training.report.sources import Kind

IN_ORDER = (Kind.PREPARE, Kind.TRAIN, Kind.EXPORT, Kind.QUANTIZE)
PIPELINE_ORDER = ("prepare", "train", "export", "quantize", "calibrate")


def write_card(
    path: Path, title: str, material: Material, model: ReportedModel, made_by: str = ""
) -> None:
    """Write the card as Markdown. Raises BadInput if it cannot be written."""
    evaluated, exported = material.of(Kind.EVALUATE), material.of(Kind.EXPORT)
    sections = [
        of_model.what_it_is(model),
        _intended_use(model),
        of_model.classes(model),
        of_model.inputs_and_outputs(model),
        *of_figures.accuracy(evaluated, exported),
        of_model.calibration(model),
        *of_figures.latency(evaluated, exported),
        *of_training.data(material.of(Kind.PREPARE)),
        *of_training.training(material.of(Kind.TRAIN)),
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
