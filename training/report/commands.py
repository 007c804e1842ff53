"""The command line that made a file: as a pipeline wrote it down, or else as the figures tell."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

from training.checkpoint import load_checkpoint
from training.errors import BadInput
from training.report.sources import Kind, Source, read_json
from training.settings import DEFAULTS, flag_name
from training.train.options import TrainSettings


def command_of(source: Source) -> str:
    """The command that made a source; `…` stands for what its figures do not tell."""
    return source.command or shlex.join(_told(source)).replace(shlex.quote("…"), "…")


def settings_of(run: Source) -> TrainSettings | None:
    """Settings of a training run, from its best checkpoint; None if that is gone."""
    try:
        return load_checkpoint(run.folder).train_settings()
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
    settings = source.folder / "settings.json"
    spec = read_json(settings)["source"]["spec"] if settings.is_file() else "…"
    return [
        *("--source", str(spec)),
        *("--model", source.figures["model"]["path"]),
        *("--speed", str(source.figures["speed"])),
    ]


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
