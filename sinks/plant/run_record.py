"""What the plant is told of a run as a whole, and the name that it knows the run by for good.

Two runs may be called the same, in folders of that name made one after the other or on two
machines. So whoever first takes a run out of its folder leaves `plant.json` in it: a number that no
other run has, and when the run began. A copy of the folder is the same run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import get_native_id
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime, ValidationError

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.model.facts import FILE as MODEL_FILE
from line.own_file import LARGEST_JSON, read_regular
from line.run_files.run_folder import reading
from line.run_files.session import FILE as SESSION_FILE
from line.run_files.session import Session
from line.section import Section
from line.supervise.resume import remember
from line.validation_errors import damaged

FILE = "plant.json"
_LARGEST = 4096
_MOST_FED = 2**53


class _Identity(Section):
    uid: UUID
    began: AwareDatetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """`ended`, `fed` and `wall_s` (seconds) are None until the run has ended.

    Of two records of a run the one with the higher `revision` holds.
    """

    uid: UUID
    name: str
    title: str
    began: datetime
    seed: int
    classes: tuple[str, ...]
    residue_class: str
    model: str
    """SHA-256 of the model that it began with"""
    settings: str
    """JSON"""
    ended: str | None
    fed: int | None
    wall_s: float | None
    revision: int


def read_run(run_dir: Path) -> RunRecord:
    """The record of the run in a folder, which is given a `plant.json` if it has none.

    Raises:
        BadInput: it is no run folder, or a file of it is damaged or cannot be read or made.
    """
    settings, model = remember(run_dir)
    with reading(run_dir):
        identity = _identity(run_dir)
        facts = _ended(run_dir / "run.json")
        has_session = (run_dir / SESSION_FILE).is_file()
    sessions = Session.load(run_dir).number if has_session else 1
    ended, fed, wall_s = facts.get("ended"), facts.get("fed"), facts.get("wall_s")
    return RunRecord(
        uid=identity.uid,
        name=run_dir.absolute().name,
        title=settings.title,
        began=identity.began,
        seed=settings.line.seed,
        classes=model.classes,
        residue_class=settings.belt.residue_class,
        model=model.sha256,
        settings=settings.model_dump_json(),
        ended=ended[:80] if isinstance(ended, str) else None,
        fed=fed if isinstance(fed, int) and 0 <= fed < _MOST_FED else None,
        wall_s=float(wall_s) if isinstance(wall_s, int | float) else None,
        revision=2 * sessions + bool(facts),
    )


def _ended(path: Path) -> dict[str, Any]:
    """What the runner left when the run ended; nothing before that."""
    try:
        found = json.loads(read_regular(path, LARGEST_JSON))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        raise BadInput(f"{path}: damaged") from None
    return found if isinstance(found, dict) else {}


def _identity(run_dir: Path) -> _Identity:
    path = run_dir / FILE
    if not os.path.lexists(path):
        _make(path, (run_dir / MODEL_FILE).stat().st_mtime)  # which is written once
    try:
        return _Identity.model_validate_json(read_regular(path, _LARGEST))
    except ValidationError as error:
        raise damaged(path, error) from None


def _make(path: Path, began: float) -> None:
    """Of several who do so at once one is the first, and the others keep to it."""
    identity = _Identity(uid=uuid4(), began=datetime.fromtimestamp(began, UTC))
    draft = path.with_name(f".{path.name}.{get_native_id()}")
    write_atomically(draft, identity.model_dump_json().encode())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
