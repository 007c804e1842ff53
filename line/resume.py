"""A run that was cut off, taken up again where every item stands in every sink."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from line.errors import BadInput
from line.lane_record import check_lanes
from line.model_facts import FILE as MODEL_FILE
from line.model_facts import ModelFacts
from line.outcome import COLUMNS
from line.run_folder import RunFolder
from line.run_reading import reading
from line.settings import Settings

SETTINGS_FILE = "settings.json"
_LONGEST_HEADER = 65_536


def reopen(run_dir: Path) -> tuple[Settings, ModelFacts, RunFolder]:
    """What a runner needs to go on with the run in `run_dir`. Nothing is changed yet.

    Raises:
        BadInput: if it is no run folder, one of its files is damaged or may not be read, or the run
            has finished.
    """
    path = run_dir.absolute()
    settings, model = remember(run_dir)
    with reading(run_dir):
        if _ended(path) == "finished":
            raise BadInput(f"{run_dir}: this run has finished; nothing is left to resume")
        _check_columns(path / "results.csv")
        check_lanes(path, settings.line.cameras)
    return settings, model, RunFolder(path)


def remember(run_dir: Path) -> tuple[Settings, ModelFacts]:
    """The settings and the model of a run. Raises BadInput as `reopen` does."""
    with reading(run_dir):
        return _remember(run_dir)


def _remember(run_dir: Path) -> tuple[Settings, ModelFacts]:
    path = run_dir.absolute()
    for name in (SETTINGS_FILE, MODEL_FILE):
        if not (path / name).is_file():
            raise BadInput(f"{run_dir}: not a run folder (no {name})")
    try:
        settings = Settings.model_validate_json((path / SETTINGS_FILE).read_bytes())
    except ValidationError as error:
        raise _damaged(path / SETTINGS_FILE, error) from None
    try:
        model = ModelFacts.load(path)
    except ValidationError as error:
        raise _damaged(path / MODEL_FILE, error) from None
    return settings, model


def _check_columns(path: Path) -> None:
    """Rows of this version are not added to those of another."""
    try:
        with path.open("rb") as file:
            header = file.readline(_LONGEST_HEADER)
    except FileNotFoundError:
        return
    if header.endswith(b"\n") and header != ",".join(COLUMNS).encode() + b"\n":
        raise BadInput(f"{path}: has the columns of another version; the run cannot be resumed")


def _ended(path: Path) -> str | None:
    """How the run ended, if its runner lived to say so."""
    try:
        ended = json.loads((path / "run.json").read_bytes())["ended"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{path / 'run.json'}: does not say how the run ended") from None
    return str(ended)


def _damaged(path: Path, error: ValidationError) -> BadInput:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return BadInput(f"{path}: {field + ': ' if field else ''}{first['msg']}")
