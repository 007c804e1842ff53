"""The ONNX file that a report is about: its hash, its size, the facts inside it."""

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
