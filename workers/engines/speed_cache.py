"""What was measured of engines, kept from one start to the next in the user's cache.

The file is a hint: where it is damaged, of another user or cannot be written, engines are measured
anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from line.atomic_file import write_atomically
from line.own_file import read_regular
from line.section import EngineName, Section
from workers.probe import Size

_FILE = Path("scrapline") / "engines.json"
_MOST = 100
"""Measurements; the oldest go."""
_LARGEST = 10**6


class Situation(Section):
    """What speeds depend on."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the model file")
    picture_px: Size
    processor: str = Field(max_length=1000, description="its flags")
    versions: dict[EngineName, str] = Field(description="of every engine that is installed")


class Speeds(Section):
    """Milliseconds of a picture in each engine that could run the model."""

    situation: Situation
    ms: dict[EngineName, Annotated[float, Field(gt=0, le=1e7)]]


class _Kept(Section):
    speeds: tuple[Speeds, ...] = Field(default=(), max_length=_MOST)


def cache_file() -> Path | None:
    """Where measurements are kept; None where the user has no such folder."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):  # others are to be ignored, the specification says
        return Path(named) / _FILE
    with suppress(RuntimeError):
        return Path.home() / ".cache" / _FILE
    return None


def kept(situation: Situation) -> dict[EngineName, float] | None:
    """What was measured in this very situation."""
    found = (entry.ms for entry in _read() if entry.situation == situation)
    return next(found, None)


def keep(situation: Situation, ms: Mapping[EngineName, float]) -> None:
    """For the next start; a disk without room is no reason not to start."""
    path = cache_file()
    if path is None:
        return
    others = [entry for entry in _read() if entry.situation != situation]
    speeds = (*others[1 - _MOST :], Speeds(situation=situation, ms=dict(ms)))
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _Kept(speeds=speeds).model_dump_json(indent=1).encode())


def _read() -> tuple[Speeds, ...]:
    path = cache_file()
    if path is None:
        return ()
    try:
        return _Kept.model_validate_json(read_regular(path, _LARGEST, only_ours=True)).speeds
    except (OSError, ValidationError, RecursionError):
        return ()
