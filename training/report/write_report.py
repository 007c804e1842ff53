"""Report on a model: gather the figures, write them down.

OUT/performance_report.md, performance_report.html   everything at hand, file by file
MODEL.md, beside the model                           its card
"""

from __future__ import annotations

from rich.console import Console

from training.report import figures_text, model_text, training_text
from training.report.card import write_card
from training.report.document import Section, write_page, write_text
from training.report.material import Material
from training.report.options import ReportSettings
from training.report.sources import Kind

NAME = "performance_report"


def report(settings: ReportSettings, console: Console) -> None:
    """Write report and card, and say which sections lack their file.

    Raises BadInput for a folder without figures, figures of two models, or a place that cannot be
    written to.
    """
    material = Material.gather(settings.folders, settings.model)
    title = f"Performance of {_name(settings, material)}"
    sections = performance(material)
    write_text(settings.out / f"{NAME}.md", title, sections)
    write_page(settings.out / f"{NAME}.html", title, sections)
    lacking = [section.title for section in sections if section.is_missing]
    if lacking:
        console.print(f"not at hand: {', '.join(lacking)}", markup=False)
    console.print(f"{settings.out}: {NAME}.md, {NAME}.html", markup=False)
    if material.model is None:
        console.print("no card: name the model with --model", markup=False)
        return
    card = material.model.path.with_suffix(".md")
    write_card(card, _name(settings, material), material, material.model, settings.made_by)
    console.print(f"{card}: the model's card", markup=False)


def performance(material: Material) -> list[Section]:
    """The report's sections, in the order in which a model is made."""
    model = material.model
    evaluated, exported = material.of(Kind.EVALUATE), material.of(Kind.EXPORT)
    return [
        model_text.what_it_is(model),
        *training_text.data(material.of(Kind.PREPARE)),
        *training_text.training(material.of(Kind.TRAIN)),
        *training_text.quantization(material.of(Kind.QUANTIZE)),
        *([model_text.calibration(model)] if model else []),
        *figures_text.accuracy(evaluated, exported),
        *figures_text.latency(evaluated, exported),
        *figures_text.line(material.of(Kind.LINE)),
    ]


def _name(settings: ReportSettings, material: Material) -> str:
    if settings.name:
        return settings.name
    return material.model.path.stem if material.model else "a model that is not at hand"
