"""A run that was cut off, taken up again where every item stands in the log.

A run folder may have come from anywhere. Each of its files is looked at before anything is changed,
and refused in one line that names the file and the field.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import ValidationError

from line.errors import BadInput
from line.model.facts import FILE as MODEL_FILE
from line.model.facts import ModelFacts
from line.outcome import COLUMNS
from line.own_file import LARGEST_JSON, read_regular
from line.run_files.lane_record import check_lanes
from line.run_files.run_folder import SETTINGS_FILE, RunFolder, reading
from line.run_files.session import FILE as SESSION_FILE
from line.run_files.session import Session
from line.settings import Settings
from line.validation_errors import damaged
from pictures.regular_file import open_regular

_LONGEST_HEADER = 65_536
_FOLDERS = ("", "logs", "review", "review/spool")
"""In which the line itself makes files under names that are known beforehand."""


def reopen(run_dir: Path) -> tuple[Settings, ModelFacts, RunFolder]:
    """What a runner needs to go on with the run in `run_dir`. Nothing is changed yet.

    Raises:
        BadInput: if it is no run folder, one of its files is damaged, may not be read or is not
            this user's, or the run has finished.
    """
    path = run_dir.absolute()
    settings, model = remember(run_dir)
    with reading(run_dir):
        _check_files(path)
        if _ended(path) == "finished":
            raise BadInput(f"{run_dir}: this run has finished; nothing is left to resume")
        _check_columns(path / "results.csv")
        check_lanes(path, settings.line.cameras)
    _check_decided(path / SETTINGS_FILE, settings)
    session_of(path, settings, model)
    return settings, model, RunFolder(path, survives_power_cut=settings.results.survives_power_cut)


def remember(run_dir: Path) -> tuple[Settings, ModelFacts]:
    """The settings and the model of a run. Raises BadInput as `reopen` does."""
    with reading(run_dir):
        return _remember(run_dir)


def session_of(run_dir: Path, settings: Settings, model: ModelFacts) -> Session:
    """The last session of a run that is to be resumed.

    Raises:
        BadInput: naming the file and the field, if it does not fit `settings` and `model`.
    """
    session = Session.load(run_dir, only_ours=True)
    path, overrides = run_dir / SESSION_FILE, session.overrides
    for place, done in enumerate(session.injected):
        if done.number >= len(settings.events):
            events = f"{len(settings.events)} events"
            raise BadInput(f"{path}: injected.{place}.number: {done.number} of {events}")
    if overrides.workers == 0 and not settings.transport.listen:
        raise BadInput(f"{path}: overrides.workers: 0 needs transport.listen")
    shadow = [overrides.shadow.model] if overrides.shadow is not None else []
    for other in [*overrides.models.values(), *shadow]:
        if set(other.classes) != set(model.classes):
            raise BadInput(f"{path}: overrides: {other.short_hash} has other classes than the run")
    return session


def _remember(run_dir: Path) -> tuple[Settings, ModelFacts]:
    path = run_dir.absolute()
    for name in (SETTINGS_FILE, MODEL_FILE):
        try:
            (path / name).lstat()  # raises what may not be looked at
        except (FileNotFoundError, NotADirectoryError):
            raise BadInput(f"{run_dir}: not a run folder (no {name})") from None
    try:
        text = read_regular(path / SETTINGS_FILE, LARGEST_JSON)
        settings = Settings.model_validate_json(text)
    except ValidationError as error:
        raise damaged(path / SETTINGS_FILE, error) from None
    try:
        model = ModelFacts.load(path)
    except ValidationError as error:
        raise damaged(path / MODEL_FILE, error) from None
    return settings, model


def _check_files(path: Path) -> None:
    """Everything that the line would write to is a file of this user's, no pipe and no link."""
    for folder in _FOLDERS:
        if not os.path.lexists(path / folder):
            continue
        with os.scandir(path / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _check_owner(Path(entry.path), entry.stat(follow_symlinks=False))
                else:
                    os.close(open_regular(Path(entry.path), only_ours=True))


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), 0):
        raise BadInput(f"{path}: belongs to user {found.st_uid}")


def _check_columns(path: Path) -> None:
    """Rows of this version are not added to those of another."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return
    with os.fdopen(fd, "rb") as file:
        header = file.readline(_LONGEST_HEADER)
    if header.endswith(b"\n") and header != ",".join(COLUMNS).encode() + b"\n":
        raise BadInput(f"{path}: has the columns of another version; the run cannot be resumed")


def _check_decided(path: Path, settings: Settings) -> None:
    """A run's settings leave nothing open that its runner has decided."""
    if not isinstance(settings.line.workers, int):
        raise BadInput(f"{path}: line.workers: must be a number here")
    if settings.model.engine == "auto":
        raise BadInput(f"{path}: model.engine: must be the one that ran here")
    if not isinstance(settings.decision.threshold, float):
        raise BadInput(f"{path}: decision.threshold: must be a number here")
    if settings.decision.novelty_energy == "model":
        raise BadInput(f"{path}: decision.novelty_energy: must be a number here, or off")
    if settings.decision.promise.keys() != {each.class_name for each in settings.decision.promised}:
        raise BadInput(f"{path}: decision.promised: must hold all of decision.promise here")


def _ended(path: Path) -> str | None:
    """How the run ended, if its runner lived to say so."""
    try:
        ended = json.loads(read_regular(path / "run.json", LARGEST_JSON))["ended"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{path / 'run.json'}: does not say how the run ended") from None
    return str(ended)
