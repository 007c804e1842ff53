"""The ONNX file that a report is about, and the sections on it: from its bytes and its metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from training.errors import BadInput
from training.metrics import percent
from training.report import words
from training.report.document import Section, in_the_model, missing
from training.report.words import bullets, counted, interval, megabytes, table

PREFIX = "scrapline."


@dataclass(frozen=True)
class ReportedModel:
    """A model file, read but not run. `inputs` and `outputs` are in words, `name` type [shape]."""

    path: Path
    sha256: str
    size_bytes: int
    facts: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> ReportedModel:
        """Read a file. Raises BadInput if it is no ONNX file or names no classes."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from error
        try:
            proto = onnx.load_model_from_string(data)
        except Exception as error:  # protobuf has a type for every kind of damage
            raise BadInput(f"{path}: not an ONNX file") from error
        facts = {
            entry.key.removeprefix(PREFIX): entry.value
            for entry in proto.metadata_props
            if entry.key.startswith(PREFIX)
        }
        if "classes" not in facts:
            raise BadInput(f"{path}: its metadata has no {PREFIX}classes")
        return cls(
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            facts=facts,
            inputs=tuple(_in_words(proto.graph.input)),
            outputs=tuple(_in_words(proto.graph.output)),
        )

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the outputs."""
        return [str(name) for name in self._json("classes")]

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        """What `calibrate` left in the file; None if it has not been calibrated."""
        return self._json("calibration") if "calibration" in self.facts else None

    @property
    def conformal(self) -> Mapping[str, Any] | None:
        """The conformal sets that `calibrate` left in the file; None without."""
        return self._json("conformal") if "conformal" in self.facts else None

    @property
    def parity(self) -> Mapping[str, Any] | None:
        """How the file compared with the trained network when it was exported."""
        return self._json("parity") if "parity" in self.facts else None

    @property
    def hashes(self) -> frozenset[str]:
        """Of this file, and of the one it was before it was calibrated."""
        before = (self.calibration or {}).get("from_sha256")
        return frozenset({self.sha256, *([before] if before else [])})

    def _json(self, key: str) -> Any:
        try:
            return json.loads(self.facts[key])
        except ValueError as error:
            raise BadInput(f"{self.path}: {PREFIX}{key} is not JSON") from error


def _in_words(values: Iterable[onnx.ValueInfoProto]) -> Iterable[str]:
    for value in values:
        tensor = value.type.tensor_type
        kind = TensorProto.DataType.Name(tensor.elem_type).lower()
        axes = (axis.dim_param or str(axis.dim_value) for axis in tensor.shape.dim)
        yield f"`{value.name}`: {kind} `[{', '.join(axes)}]`"


CALIBRATE = "python -m training calibrate MODEL.onnx --data LABELLED"


def what_it_is(model: ReportedModel | None) -> Section:
    """Task, backbone, size, hash, when and by what it was made."""
    title = "What it is"
    if model is None:
        return missing(title, "the ONNX file", "python -m training export RUN --out MODEL.onnx")
    parity = model.parity
    facts = {
        "Task": "names the class of the one item in a picture",
        "Backbone": model.facts.get("backbone", words.NONE),
        "Network's view": f"`[height, width]` {model.facts.get('size', words.NONE)} px",
        "Size": megabytes(model.size_bytes),
        "Written": model.facts.get("created", words.NONE),
        "SHA-256": f"`{model.sha256}`",
    }
    if parity is not None:
        facts["Largest difference from the trained network"] = (
            f"{parity['largest_difference']:.4f} in probability on {parity['pictures']} pictures"
        )
    return in_the_model(title, bullets(facts), model.path)


def classes(model: ReportedModel) -> Section:
    """Names, in the order of the outputs."""
    text = "\n".join(f"{number}. {name}" for number, name in enumerate(model.classes))
    return in_the_model("Classes", text, model.path)


def inputs_and_outputs(model: ReportedModel) -> Section:
    """Tensors of the graph, and what they mean."""
    lines = [f"- In: {line}" for line in model.inputs]
    lines += [f"- Out: {line}" for line in model.outputs]
    text = (
        "A picture goes in as RGB at any size; the file itself squashes it to the network's view "
        "and normalises it. Probabilities come out, a row for each picture, which sums to 1."
    )
    return in_the_model("Inputs and outputs", "\n".join([*lines, "", text]), model.path)


def calibration(model: ReportedModel) -> Section:
    """Temperature, scores before and after, threshold with its coverage, conformal sets."""
    title = "Calibration and threshold"
    record = model.calibration
    if record is None:
        threshold = model.facts.get("threshold", words.NONE)
        section = missing(title, f"a calibration of {model.path.name}", CALIBRATE)
        text = f"{section.text} Its threshold, {threshold}, was given, or measured elsewhere."
        return in_the_model(title, text, model.path)
    facts = {
        "Fitted on": f"{record['pictures']} pictures of "
        + (f"{record['part']} of " if record.get("part") else "")
        + record["set"],
        "Temperature": f"{float(model.facts['temperature']):.4f}",
        "Threshold": f"{float(model.facts['threshold']):.4f}, chosen for a precision of "
        f"{percent(record['wanted_precision'])}",
        "Precision of what reaches it (95% interval)": interval(counted(record["precision"])),
        "Coverage, the share that reaches it": percent(float(model.facts["coverage"])),
    }
    scores = table(
        ["score", "before", "after"],
        [
            [name, f"{record['before'][key]:.4f}", f"{record['after'][key]:.4f}"]
            for key, name in words.SCORES.items()
        ],
    )
    own = "All these figures are of the very pictures it was fitted on"
    own += ", which chose nothing else." if record.get("part") == "calibration" else "."
    if "twin_sha256" in record:
        own += (
            " The model has learnt these pictures, so they are another's: a twin's, "
            f"which has not seen them (SHA-256 `{record['twin_sha256']}`)."
        )
    cautions = [f"**Caution: {caution}.**" for caution in record.get("cautions", ())]
    text = "\n\n".join([*cautions, bullets(facts), scores, own, _conformal(model)])
    return in_the_model(title, text, model.path)


def _conformal(model: ReportedModel) -> str:
    sets = model.conformal
    if sets is None:
        return ""
    kind = "for each class by itself" if sets["kind"] == "class" else "for all classes together"
    rows = [
        [name, sets["pictures"][name], f"{least:.4f}"]
        for name, least in sets["least_probability"].items()
    ]
    return (
        f"Conformal sets hold the true class with probability {percent(sets['level'])}, {kind}: "
        "they are made of the classes that reach these probabilities.\n\n"
        + table(["class", "pictures", "least probability"], rows)
    )
