"""Calibrate a model like its twin: made by the same recipe, without the pictures to judge by.

A final fit on all pictures leaves none to calibrate it on. Its twin was fitted without val and
calibrated there; temperature, threshold and sets belong to the recipe and carry over.
"""

from __future__ import annotations

import json

import onnx
from onnx import helper
from rich.console import Console

from training.calibrate.graph import divide_logits
from training.errors import BadInput
from training.evaluate.model_file import ModelFile

RECORD = "scrapline.calibration"
ALIKE = ("scrapline.classes", "scrapline.backbone", "scrapline.size")
TAKEN = (
    "scrapline.temperature",
    "scrapline.threshold",
    "scrapline.precision",
    "scrapline.coverage",
    "scrapline.conformal",
    "scrapline.novelty_energy",
)


def like_twin(model: ModelFile, twin: ModelFile, console: Console) -> onnx.ModelProto:
    """The model with the twin's temperature in its graph and the twin's figures in its facts.

    Raises BadInput if the twin is not calibrated, or not a twin.
    """
    ours, theirs = model.engine.facts, twin.engine.facts
    if RECORD not in theirs:
        raise BadInput(f"--like {twin.path}: is not calibrated itself")
    for fact in ALIKE:
        if ours.get(fact) != theirs.get(fact):
            raise BadInput(
                f"--like {twin.path}: {fact} is {theirs.get(fact)}, not {ours.get(fact)} as in "
                f"{model.path}"
            )
    proto = onnx.load(str(model.path))
    divide_logits(proto, twin.temperature / model.temperature)
    record = {**json.loads(theirs[RECORD]), "twin_sha256": twin.sha256}
    taken = {fact: theirs[fact] for fact in TAKEN if fact in theirs}
    helper.set_model_props(proto, {**ours, **taken, RECORD: json.dumps(record)})
    console.print(
        f"temperature {twin.temperature:.4f}, threshold {theirs['scrapline.threshold']} as in "
        f"{twin.path}",
        markup=False,
    )
    return proto
