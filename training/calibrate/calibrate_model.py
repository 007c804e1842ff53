"""Calibrate an ONNX file on labelled pictures that it was not trained on.

The new file answers with calibrated probabilities by itself. Its facts say what was done:

scrapline.temperature   the trained network's logits ÷ the file's logits
scrapline.threshold     lowest confidence whose answers are as precise as wanted
scrapline.precision     how precise they were on these pictures
scrapline.coverage      share of these pictures that reach the threshold
scrapline.conformal     JSON: level, kind, pictures and least probability of each class
scrapline.novelty_energy  energy that 95% of these pictures do not exceed, if the file gives it
scrapline.calibration   JSON: on what, from which file, scores before and after, cautions
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from rich.console import Console

from training.calibrate.conformal import ConformalSets, Kind, choose_kind, pictures_needed
from training.calibrate.model_graph import divide_logits, like_twin
from training.calibrate.options import CalibrateSettings
from training.calibrate.promise import caution_of
from training.calibrate.summary import Calibration, print_calibration
from training.clean_figures import caution_about
from training.errors import BadInput, ParityError
from training.evaluate.answers import Answers, Ints, Way, ask_all
from training.evaluate.calibration_scores import fit_temperature, scores, with_temperature
from training.evaluate.engines import onnx_engine
from training.evaluate.model_file import ModelFile
from training.evaluate.novelty import limit_of_known
from training.evaluate.risk_coverage import Choice, RiskCoverage
from training.export.contract import ENERGY
from training.folders import PictureFolder, read_folder, say_passed_over, set_name, split_of
from training.metrics import percent
from training.whole_file import replace_bytes

PARITY_LIMIT = 1e-3
BINS = 15
OR_BEST = "--or-best goes on with the best there is, and marks the file"


def calibrate(settings: CalibrateSettings, console: Console) -> None:
    """Write the calibrated file and say what changed.

    Raises BadInput for bad input and, without --or-best, for too few pictures, pictures that no
    temperature fits, or a precision that no threshold reaches; ParityError if the new graph does
    not do what was fitted. Nothing is written then.
    """
    target = _target(settings)
    model = ModelFile.open(settings.model)
    if settings.like is not None:
        _save(like_twin(model, ModelFile.open(settings.like), console), target)
        return
    if settings.data is None:
        raise BadInput("--data: is required, or --like")
    _calibrate(model, settings, settings.data, target, console)


def _calibrate(
    model: ModelFile, settings: CalibrateSettings, data: Path, target: Path, console: Console
) -> None:
    folder = read_folder(data, model.classes)
    say_passed_over(console, data, folder.passed_over)
    cautions = [said] if (said := caution_about(data)) else []
    kind = _kind(settings, model.classes, folder.counts(), cautions)
    files, labels = [folder.root / p for p in folder.paths], np.array(folder.labels, np.int64)

    [before] = ask_all(model, files, [Way()], console, "before")
    temperature = _temperature(before, labels, data, settings, cautions)
    proto = onnx.load(str(model.path))
    divide_logits(proto, temperature)
    rewritten = replace(model, engine=onnx_engine(proto.SerializeToString()))
    [after] = ask_all(rewritten, files, [Way()], console, "after")
    _check_parity(before, after, temperature)

    # From here on only what the new file says counts: the line will compare just that.
    choice = _threshold(settings, after, labels)
    if caution := caution_of(choice, settings.precision):
        cautions.append(caution)
    found = Calibration(
        model=model,
        pictures=len(folder),
        temperature=temperature,
        before=scores(before.probabilities, labels, BINS, "mass"),
        after=scores(after.probabilities, labels, BINS, "mass"),
        choice=choice,
        novelty_energy=_novelty_energy(proto, after),
        sets=kind
        and ConformalSets.fit(kind, settings.coverage, model.classes, after.probabilities, labels),
        cautions=tuple(cautions),
        answers=after,
        labels=labels,
    )
    _write_facts(proto, found, folder, settings)
    sha256 = _save(proto, target)
    print_calibration(found, settings, target, sha256, console)


def _kind(
    settings: CalibrateSettings,
    classes: tuple[str, ...],
    counts: list[int],
    cautions: list[str],
) -> Kind | None:
    """Of the conformal sets; None, with a caution, for none. Raises BadInput as `choose_kind`."""
    try:
        return choose_kind(settings.conformal, settings.coverage, classes, counts)
    except BadInput as error:
        if not settings.or_best:
            raise BadInput(f"{error}; {OR_BEST}") from error
        needed = pictures_needed(settings.coverage)
        cautions.append(f"no conformal sets: they need {needed} pictures, there are {sum(counts)}")
        return None


def _temperature(
    answers: Answers, labels: Ints, data: Path, settings: CalibrateSettings, cautions: list[str]
) -> float:
    """1 where none fits, with a caution. Raises BadInput as `fit_temperature`."""
    try:
        return fit_temperature(answers.probabilities, labels, str(data))
    except BadInput as error:
        if not settings.or_best:
            raise BadInput(f"{error}; {OR_BEST}") from error
        right = int((answers.predicted == labels).sum())
        cautions.append(
            f"no temperature fits, with {right} of {len(labels)} pictures right: confidence is as "
            "the network gives it"
        )
        return 1.0


def _target(settings: CalibrateSettings) -> Path:
    """Where to write. BadInput if that is the input and nobody said so."""
    if settings.model.suffix != ".onnx":
        raise BadInput(f"{settings.model}: calibrate changes .onnx files only")
    if settings.like is not None and settings.data is not None:
        raise BadInput("--like: not together with --data")
    if settings.in_place and settings.out:
        raise BadInput("--in-place: not together with --out")
    if settings.in_place:
        return settings.model
    target = settings.out or settings.model.with_suffix(".calibrated.onnx")
    if target.suffix != ".onnx":
        raise BadInput(f"--out {target}: must end in .onnx")
    if target.exists() and settings.model.exists() and target.samefile(settings.model):
        raise BadInput(f"--out {target}: is the model itself; say --in-place to replace it")
    return target


def _check_parity(before: Answers, after: Answers, temperature: float) -> None:
    wanted = with_temperature(before.probabilities, temperature)
    difference = float(np.abs(wanted - after.probabilities).max())
    if not difference <= PARITY_LIMIT:  # one that is not a number is no less wrong
        raise ParityError(
            f"the rewritten graph differs from the fitted temperature by {difference:.4f} "
            f"in probability (limit {PARITY_LIMIT})"
        )


def _threshold(settings: CalibrateSettings, answers: Answers, labels: Ints) -> Choice:
    curve = RiskCoverage.of(answers.confidence, answers.predicted == labels)
    choice = curve.for_precision(settings.precision)
    if choice is not None:
        return choice
    best = curve.most_precise()
    if not settings.or_best:
        raise BadInput(
            f"--precision {settings.precision}: no threshold reaches it on {settings.data}; the "
            f"best is {best.precision.value:.4f} at {percent(best.coverage)} coverage; {OR_BEST}"
        )
    return best


def _novelty_energy(proto: onnx.ModelProto, answers: Answers) -> float | None:
    """None for a file without that output: what cannot be read needs no limit."""
    if answers.energy is None or ENERGY not in {output.name for output in proto.graph.output}:
        return None
    return limit_of_known(answers.energy)


def _write_facts(
    proto: onnx.ModelProto, found: Calibration, folder: PictureFolder, settings: CalibrateSettings
) -> None:
    facts: dict[str, str] = {entry.key: entry.value for entry in proto.metadata_props}
    facts["scrapline.classes"] = json.dumps(list(found.model.classes), ensure_ascii=False)
    facts["scrapline.temperature"] = str(found.total_temperature)
    facts["scrapline.threshold"] = str(found.choice.threshold)
    facts["scrapline.precision"] = str(found.choice.precision.value)
    facts["scrapline.coverage"] = str(found.choice.coverage)
    if found.novelty_energy is not None:
        facts["scrapline.novelty_energy"] = str(found.novelty_energy)
    facts.pop("scrapline.conformal", None)
    if found.sets is not None:
        facts["scrapline.conformal"] = json.dumps(found.sets.as_dict(), ensure_ascii=False)
    record: dict[str, Any] = {
        "pictures": found.pictures,
        "set": set_name(folder.root),
        "part": split_of(folder.root.resolve().name),
        "wanted_precision": settings.precision,
        "precision": found.choice.precision.as_dict(),
        "before": found.before,
        "after": found.after,
        "cautions": list(found.cautions),
        "from_sha256": found.model.sha256,
    }
    facts["scrapline.calibration"] = json.dumps(record, ensure_ascii=False)
    helper.set_model_props(proto, facts)


def _save(proto: onnx.ModelProto, target: Path) -> str:
    """Write the file, and tell its SHA-256."""
    data = proto.SerializeToString()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(target, data)
    except OSError as error:
        raise BadInput(f"{target}: {error.strerror or error}") from error
    return hashlib.sha256(data).hexdigest()
