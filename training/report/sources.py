"""Folders of figures: which command wrote one, told by the file in it that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.errors import BadInput

PIPELINE_FILE = "pipeline.json"


class Kind(StrEnum):
    """The command that wrote the figures."""

    PREPARE = "prepare"
    TRAIN = "train"
    EXPORT = "export"
    QUANTIZE = "quantize"
    EVALUATE = "evaluate"
    LINE = "line"


@dataclass(frozen=True)
class Mark:
    """What tells a kind: a file, and keys that its JSON has."""

    pattern: str
    keys: frozenset[str] = frozenset()


MARKS = {
    Kind.PREPARE: Mark("manifest.json", frozenset({"counts", "sha256"})),
    Kind.TRAIN: Mark("metrics.json", frozenset({"epoch", "val"})),
    Kind.EXPORT: Mark("*.export.json", frozenset({"model", "sets", "latency"})),
    Kind.QUANTIZE: Mark("quantize.json", frozenset({"judged_on", "max_drop", "rows"})),
    Kind.EVALUATE: Mark("metrics.json", frozenset({"model", "accuracy", "per_class"})),
    Kind.LINE: Mark("summary.json", frozenset({"verdicts", "model"})),
}


@dataclass(frozen=True)
class Source:
    """One file of figures. `model_sha256` and `model_file` are None where it names no model.

    `command` is the command line that made it, where a pipeline has written that down.
    """

    kind: Kind
    file: Path
    figures: Mapping[str, Any]
    command: str | None

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.file.parent

    @property
    def model_sha256(self) -> str | None:
        """Hash of the model that the figures are of."""
        if self.kind is Kind.QUANTIZE:
            return self.figures.get("sha256")
        return self._of_model("sha256")

    @property
    def model_file(self) -> Path | None:
        """Where that model was when it was measured; a bare name where the file has no more."""
        if self.kind is Kind.QUANTIZE:
            return Path(self.figures["model"]) if "model" in self.figures else None
        path = self._of_model("path" if self.kind is Kind.LINE else "file")
        return Path(path) if path else None

    def _of_model(self, key: str) -> str | None:
        model = self.figures.get("model")
        return model.get(key) if isinstance(model, Mapping) else None


def read_sources(path: Path) -> list[Source]:
    """The figures in a folder, or in one file. Raises BadInput if there are none, or torn ones."""
    if not path.exists():
        raise BadInput(f"{path}: no such folder")
    commands = pipeline_commands(path)
    found = [
        Source(kind, file, figures, commands.get(kind))
        for kind, mark in MARKS.items()
        for file in _candidates(path, mark)
        if mark.keys <= (figures := read_json(file)).keys()
    ]
    if not found:
        known = ", ".join(f"{mark.pattern} of {kind}" for kind, mark in MARKS.items())
        raise BadInput(f"{path}: has none of the figures that a report is made of ({known})")
    return found


def read_json(file: Path) -> Mapping[str, Any]:
    """A JSON object. Raises BadInput that names the file if it holds none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{file}: not a JSON object")
    return content


def _candidates(path: Path, mark: Mark) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob(mark.pattern))
    return [path] if path.match(mark.pattern) else []


def pipeline_commands(path: Path) -> dict[str, str]:
    """Step → command line, of the pipeline that made a folder or file; {} if none did."""
    folder = path if path.is_dir() else path.parent
    file = folder.parent / PIPELINE_FILE
    if not file.is_file():
        return {}
    return {step["step"]: step["command"] for step in read_json(file).get("steps", [])}
