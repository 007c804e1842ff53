"""Where the report's figures are from: the files, and the commands that made them."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.errors import BadInput
from training.options import load
from training.settings import DEFAULTS, flag_name
from training.train.options import TrainSettings

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
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=_no_figure)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{file}: not a JSON object")
    return content


def _no_figure(word: str) -> None:
    """For NaN and Infinity, which Python writes and reads though JSON knows neither."""
    raise ValueError(f"{word} is no figure")


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


def command_of(source: Source) -> str:
    """The command that made a source; `…` stands for what its figures do not tell."""
    return source.command or shlex.join(_told(source)).replace(shlex.quote("…"), "…")


def settings_of(run: Source) -> TrainSettings | None:
    """Settings of a training run, from its config.toml; None if that is gone."""
    try:
        return load(TrainSettings, {"out": run.folder}, run.folder / "config.toml")
    except BadInput:
        return None


def _train_options(run: Source) -> list[str]:
    """Every setting of the run that is not the default."""
    settings = settings_of(run)
    if settings is None:
        return ["--out", str(run.folder), "…"]
    defaults = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))[TrainSettings.table]
    words = []
    for name, value in settings.model_dump(mode="json", exclude={"resume"}).items():
        if value != defaults.get(name):
            words += _flag(name, value)
    return words


def _flag(name: str, value: Any) -> list[str]:
    flag = flag_name(name)
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, list):
        return [word for item in value for word in (flag, str(item))]
    return [flag, str(value)]


def _told(source: Source) -> list[str]:
    figures, folder = source.figures, str(source.folder)
    trainer = ["python", "-m", "training", str(source.kind)]
    match source.kind:
        case Kind.PREPARE:
            return [*trainer, str(figures.get("source", "…")), "--out", folder]
        case Kind.TRAIN:
            return [*trainer, *_train_options(source)]
        case Kind.EXPORT:
            return [*trainer, figures["checkpoint"], "--out", figures["model"]["file"], "…"]
        case Kind.QUANTIZE:
            checkpoint, val = figures["checkpoint"], Path(figures["judged_on"])
            return [*trainer, checkpoint, "--data", str(val.parent), "…", "--report", folder]
        case Kind.EVALUATE:
            model, data = figures["model"]["file"], figures["data"]
            return [*trainer, model, "--data", data, "--out", folder]
        case Kind.LINE:
            return ["python", "run_line.py", "run", *_line_options(source), "--run-dir", folder]


def _line_options(source: Source) -> list[str]:
    return [
        *("--source", line_source(source) or "…"),
        *("--model", source.figures["model"]["path"]),
        *("--speed", str(source.figures["speed"])),
    ]


def line_source(source: Source) -> str | None:
    """What that run was fed from; None if its settings are gone."""
    settings = source.folder / "settings.json"
    return str(read_json(settings)["source"]["spec"]) if settings.is_file() else None


def line_threshold(source: Source) -> float | None:
    """Confidence below which that run ejected nothing; None if its settings are gone."""
    settings = source.folder / "settings.json"
    if not settings.is_file():
        return None
    return float(read_json(settings)["decision"]["threshold"])


def shown(path: Path) -> str:
    """A path as short as it can be given from here."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else path)
