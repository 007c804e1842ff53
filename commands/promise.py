"""`run_line.py promise`: what purity labels can show of each bin, and at which threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import AsJson, Assignments, Config, ModelFile
from commands.printing import err, out, shown
from line.errors import BadInput

if TYPE_CHECKING:
    from line.promise.label_file import ScoredLabel

_PURITIES = "0.95,0.98,0.99"


def promise(
    sources: Annotated[
        list[Path],
        typer.Argument(help="folders of labelled pictures, folders of runs, files of labels"),
    ],
    model: ModelFile = None,
    into: Annotated[
        Path | None, typer.Option("--out", help="file of labels for decision.promise_labels")
    ] = None,
    purity: Annotated[str, typer.Option(help="what is asked for, 0..1")] = _PURITIES,
    config: Config = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> None:
    """Say what purity labels show of each class's bin, at which threshold, or how many lack."""
    from commands.inputs.scored_labels import scored_labels
    from commands.run_setup.settings import load_model, settings_of
    from line.plain_text import plain
    from line.promise.label_file import each_once, write_labels

    wanted = _purities(purity)
    options: dict[str, object | None] = {"model.path": None if model is None else str(model)}
    settings = settings_of(config, None, options, assignments)
    loaded = load_model(settings)
    if into is not None and into.exists() and into not in sources:
        raise BadInput(f"--out {into}: is there already; name it as a source, too, to add to it")

    def say(text: str) -> None:
        err.print(plain(text, 1000), style="yellow", soft_wrap=True, markup=False)

    labels = each_once(
        label for path in sources for label in scored_labels(path, settings, loaded, say)
    )
    own_hash = loaded.facts.short_hash
    own = [label for label in labels if label.model == own_hash]
    if len(own) < len(labels):
        say(f"labels of other models, which do not count here: {len(labels) - len(own)}")
    residue = settings.belt.residue_class
    names = [name for name in loaded.facts.classes if name != residue]
    found = {name: _class_facts(name, wanted, own, own_hash) for name in names}
    if as_json:
        print(json.dumps({"model": loaded.facts.sha256, "classes": found}, indent=1))
    else:
        _print(found, wanted)
    if into is not None:
        write_labels(into, labels)
        if not as_json:
            out.print(f"\n{shown(into)}: {len(labels)} labels", soft_wrap=True)


def _purities(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < each < 1 for each in found):
        raise BadInput(f"--purity {text}: must be numbers between 0 and 1, as {_PURITIES}")
    return found


def _class_facts(
    name: str, wanted: list[float], labels: list[ScoredLabel], model: str
) -> dict[str, Any]:
    """Labels of the class, and what each purity needs: JSON-ready."""
    from line.promise.found import promised

    own = [label for label in labels if label.predicted_class == name]
    facts: dict[str, Any] = {"labels": len(own), "right": sum(each.is_right for each in own)}
    for purity in wanted:
        try:
            found = promised(name, purity, own, model)
        except BadInput as error:
            facts[f"{purity:g}"] = {"lacking": str(error).removeprefix("decision.promise.")}
        else:
            facts[f"{purity:g}"] = found.model_dump(include={"threshold", "reach", "wrong"})
    return facts


def _print(found: dict[str, dict[str, Any]], wanted: list[float]) -> None:
    from rich.table import Table

    from line.promise.bound import labels_needed

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("taken for", "labels", "right", *(f"{each:g}" for each in wanted)):
        table.add_column(heading, justify="left" if heading == "taken for" else "right")
    lacking: list[str] = []
    for name, facts in found.items():
        cells = [name, str(facts["labels"]), str(facts["right"])]
        for purity in wanted:
            cell = facts[f"{purity:g}"]
            short = labels_needed(purity) - facts["labels"]
            if short > 0:
                cells.append(f"{short} lack")
            elif "lacking" in cell:
                lacking.append(cell["lacking"])
                cells.append("not shown")
            else:
                share = cell["reach"] / facts["labels"]
                cells.append(f"from {cell['threshold']:.4f} ({share:.0%})")
        table.add_row(*cells)
    out.print(table)
    out.print(
        "\nThe threshold from which on a bin is shown to be so pure, and the share of what was "
        "taken for\nits class that reaches it. One set of labels in twenty at most shows what is "
        "not so."
    )
    for text in lacking:
        out.print(f"– {text}", soft_wrap=True)
