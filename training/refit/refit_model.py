"""refit: teach a model file what people said of its pictures.

The new file gives another answer, from the same network, and has a temperature and a threshold of
its own. They come from answers to pictures left out: each labelled picture is judged by a fit that
has learnt the other parts alone. Labelled pictures are learnt with their mirror images. The facts
of the new file:

scrapline.refit         JSON: from which file, on how many pictures, right before and after
scrapline.temperature   the trained network's logits ÷ the file's logits
scrapline.threshold     lowest confidence whose answers are as precise as wanted
scrapline.precision, scrapline.coverage, scrapline.novelty_energy   as of `calibrate`

What was measured of the file before it, in this engine or another, is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from rich.console import Console
from scipy.special import softmax  # type: ignore[import-untyped]

from training.errors import BadInput, ParityError
from training.evaluate.answers import Answers, Floats, Ints, Way, ask_all
from training.evaluate.calibration_scores import fit_temperature, with_temperature
from training.evaluate.engines import onnx_engine
from training.evaluate.model_file import ModelFile
from training.evaluate.novelty import limit_of_known
from training.evaluate.risk_coverage import Choice, RiskCoverage
from training.export.contract import ENERGY
from training.folders import PictureFolder, read_folder, say_passed_over
from training.pictures import read_pixels
from training.refit.graph import add_correction
from training.refit.head import Seen, fit, left_out, parts_of
from training.refit.mirrors import MIRRORS
from training.refit.options import RefitSettings
from training.refit.outcome import Change, class_counts, threshold_in_words
from training.whole_file import replace_bytes, replace_text

FACT = "scrapline.refit"
LEAST = 30
"""Labelled pictures: with half of them right, the share lies between 0.33 and 0.67."""
COMPARED = 16
PARITY_LIMIT = 1e-3
OUTDATED = ("calibration", "conformal", "parity", "novelty_energy", "engine.")


def refit(settings: RefitSettings, console: Console) -> None:
    """Write the new file, and say what it is worth on pictures that it has not learnt.

    Raises BadInput for bad input, and for too few pictures; ParityError if the new graph does not
    do what was fitted. Nothing is written then.
    """
    model = _open(settings)
    folder = _folder(settings.data, model, console)
    labels = np.array(folder.labels, np.int64)
    _check_enough(settings, labels)
    ways = ask_all(model, _files(folder), MIRRORS, console, settings.data.name)
    answers, labelled = ways[0], Seen.of(ways, labels)
    old = None
    if settings.old_data is not None:
        before = _folder(settings.old_data, model, console)
        said = ask_all(model, _files(before), [Way()], console, settings.old_data.name)
        old = Seen.of(said, np.array(before.labels, np.int64), settings.old_weight)

    parts = parts_of(labels, settings.folds, settings.seed)
    unseen = left_out(labelled, old, parts, settings.inverse_penalty)
    temperature = _temperature(softmax(unseen, axis=1), labels, console)
    judged = with_temperature(softmax(unseen, axis=1), temperature)
    choice = _threshold(judged, labels, settings.precision)
    changes = {"labelled": Change(model.classes, labels, answers.predicted, judged.argmax(axis=1))}
    if old is not None:
        changes["old"] = _forgotten(model.classes, old, labelled, settings)

    correction = fit(labelled if old is None else labelled.and_also(old), settings.inverse_penalty)
    proto = onnx.load(str(model.path))
    add_correction(proto, correction, temperature)
    fitted = correction.logits(labelled.first(len(labels))) / temperature
    _check_parity(proto, fitted, _files(folder))
    report = {
        "from_sha256": model.sha256,
        "pictures": class_counts(model.classes, labels),
        "threshold": choice.as_dict(),
        **{name: change.as_dict() for name, change in changes.items()},
    }
    _write_facts(proto, model, temperature, choice, _novelty_energy(proto, answers), report)
    report["sha256"] = _save(proto, settings, report)
    for name, change in changes.items():
        console.print(change.in_words(f"{name} pictures"), markup=False)
    console.print(threshold_in_words(choice, settings.precision), markup=False)


def _open(settings: RefitSettings) -> ModelFile:
    for option, path in (("", settings.model), ("--out ", settings.out)):
        if path.suffix != ".onnx":
            raise BadInput(f"{option}{path}: must end in .onnx")
    if settings.out.exists():
        raise BadInput(f"--out {settings.out}: is there already")
    model = ModelFile.open(settings.model)
    if not model.engine.embeds:
        raise BadInput(f"{settings.model}: no dense layer to take embeddings from")
    if FACT in model.engine.facts:  # it may have learnt the very pictures that would judge it
        raise BadInput(
            f"{settings.model}: was refitted itself; take the file that it was made of, with all "
            "labels there are"
        )
    return model


def _folder(data: Path, model: ModelFile, console: Console) -> PictureFolder:
    folder = read_folder(data, model.classes)
    say_passed_over(console, data, folder.passed_over)
    return folder


def _files(folder: PictureFolder) -> list[Path]:
    return [folder.root / path for path in folder.paths]


def _check_enough(settings: RefitSettings, labels: Ints) -> None:
    if len(labels) < LEAST:
        raise BadInput(f"{settings.data}: {len(labels)} labelled pictures; {LEAST} are needed")
    if len(np.unique(labels)) < 2:
        raise BadInput(f"{settings.data}: pictures of one class alone; two are needed")


def _temperature(probabilities: Floats, labels: Ints, console: Console) -> float:
    """1 where none fits, which is said."""
    try:
        return fit_temperature(probabilities, labels, "labelled pictures")
    except BadInput as error:
        console.print(f"confidence stays as it is: {error}", markup=False)
        return 1.0


def _threshold(probabilities: Floats, labels: Ints, wanted: float) -> Choice:
    right = probabilities.argmax(axis=1) == labels
    curve = RiskCoverage.of(probabilities.max(axis=1), right)
    return curve.for_precision(wanted) or curve.most_precise()


def _forgotten(
    classes: tuple[str, ...], old: Seen, labelled: Seen, settings: RefitSettings
) -> Change:
    """Of the old pictures, each left out as well."""
    parts = parts_of(old.labels, settings.folds, settings.seed)
    after = left_out(old, labelled, parts, settings.inverse_penalty).argmax(axis=1)
    return Change(classes, old.labels, old.logits.argmax(axis=1), after)


def _check_parity(proto: onnx.ModelProto, wanted: Floats, files: Sequence[Path]) -> None:
    """Compare the new graph with what was fitted, on some of the labelled pictures."""
    engine = onnx_engine(proto.SerializeToString())
    for number in range(0, len(files), -(-len(files) // COMPARED)):
        said = engine.ask(read_pixels(files[number])[None]).probabilities[0]
        difference = float(np.abs(said - softmax(wanted[number])).max())
        if not difference <= PARITY_LIMIT:  # one that is not a number is no less wrong
            raise ParityError(
                f"{files[number]}: the new graph differs from what was fitted by "
                f"{difference:.4f} in probability (limit {PARITY_LIMIT})"
            )


def _novelty_energy(proto: onnx.ModelProto, answers: Answers) -> float | None:
    """None for a file without that output."""
    if answers.energy is None or ENERGY not in {output.name for output in proto.graph.output}:
        return None
    return limit_of_known(answers.energy)


def _write_facts(
    proto: onnx.ModelProto,
    model: ModelFile,
    temperature: float,
    choice: Choice,
    novelty_energy: float | None,
    report: dict[str, Any],
) -> None:
    facts = {
        key: value
        for key, value in ((entry.key, entry.value) for entry in proto.metadata_props)
        if not key.removeprefix("scrapline.").startswith(OUTDATED)
    }
    facts["scrapline.classes"] = json.dumps(list(model.classes), ensure_ascii=False)
    facts["scrapline.temperature"] = str(model.temperature * temperature)
    facts["scrapline.threshold"] = str(choice.threshold)
    facts["scrapline.precision"] = str(choice.precision.value)
    facts["scrapline.coverage"] = str(choice.coverage)
    if novelty_energy is not None:
        facts["scrapline.novelty_energy"] = str(novelty_energy)
    facts[FACT] = json.dumps(report, ensure_ascii=False)
    helper.set_model_props(proto, facts)


def _save(proto: onnx.ModelProto, settings: RefitSettings, report: dict[str, Any]) -> str:
    """Write the files, the model last; returns its SHA-256."""
    data = proto.SerializeToString()
    sha256 = hashlib.sha256(data).hexdigest()
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    if settings.report is not None:
        settings.report.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**report, "sha256": sha256}, indent=1, ensure_ascii=False)
        replace_text(settings.report, text + "\n")
    replace_bytes(settings.out, data)
    return sha256
