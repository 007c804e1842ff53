"""What of a run folder is compared: its rows, its settings, its faults.

Nothing but the columns that are needed is asked for, so that runs of different versions of the line
can be compared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from line.errors import BadInput
from line.outcome import Verdict
from line.own_file import LARGEST_JSON, read_regular
from line.plain_text import plain, text_of
from line.run_files.results import FILE as RESULTS
from line.run_files.results import read_rows
from line.run_files.run_folder import reading

MOST_ITEMS = 2_000_000
"""of a run: both are held in memory, at about half a kilobyte an item"""
_NEEDED = (
    *("frame_id", "scheduled_s", "true_class", "predicted_class", "confidence", "low_confidence"),
    *("verdict", "reason", "latency_ms", "slack_ms", "worker", "attempts", "model"),
    "picture_crc32",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One row. `None`: unknown, or without an answer."""

    frame_id: str
    scheduled_s: float
    """belt time of the trigger"""
    true_class: str | None
    predicted_class: str | None
    confidence: float | None
    low_confidence: bool
    verdict: Verdict
    reason: str
    latency_ms: float | None
    slack_ms: float | None
    worker: str
    attempts: int
    model: str
    picture_crc32: int | None
    energy: float | None
    """of runs of earlier versions none"""

    @property
    def deadline_ms(self) -> float | None:
        """Wall time from the trigger to the deadline; of an answered item that had one."""
        if self.latency_ms is None or self.slack_ms is None:
            return None
        return self.latency_ms + self.slack_ms


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One side of a comparison."""

    path: Path
    items: Mapping[str, Item]
    """by frame_id, in the file's order; the first row of an item counts"""
    settings: Mapping[str, Any]
    """settings.json as it is"""
    faults: tuple[Mapping[str, Any], ...]
    """those that were injected, as run.json has them"""
    is_virtual: bool = False
    """nobody took a picture, and answers were drawn from a profile"""

    @property
    def name(self) -> str:
        return self.path.resolve().name

    def setting(self, dotted: str, default: Any = None) -> Any:
        """The value of `section.key`."""
        section, _, key = dotted.partition(".")
        table = self.settings.get(section)
        return table.get(key, default) if isinstance(table, Mapping) else default

    def promised_of(self, model: str) -> dict[str, float]:
        """Class → its own threshold, where its purity was promised of the model."""
        found = self.setting("decision.promised", [])
        try:
            return {
                str(each["class_name"]): float(each["threshold"])
                for each in found
                if each["model"] == model
            }
        except (KeyError, TypeError, ValueError):  # of another version of the line
            return {}

    @property
    def belt_m_per_s(self) -> float | None:
        """Speed of the belt on the wall clock; None at `--speed max`."""
        speed = self.setting("line.speed")
        metres = self.setting("belt.speed_m_per_s")
        numbers = isinstance(speed, int | float) and isinstance(metres, int | float)
        return speed * metres if numbers else None


def read(path: Path) -> ComparedRun:
    """Read one side from a run folder.

    Raises:
        BadInput: `path` is no run folder, or one of its files is not what it should be or may not
            be read.
    """
    with reading(path):
        return _read(path)


def _read(path: Path) -> ComparedRun:
    for name in (RESULTS, "settings.json"):
        if not (path / name).is_file():
            raise BadInput(f"{path}: not a run folder (no {name})")
    facts = _object(path / "run.json") if (path / "run.json").is_file() else {}
    faults = facts.get("faults", [])
    if not isinstance(faults, list):
        raise BadInput(f"{path / 'run.json'}: faults: not a list")
    items = _items(path / RESULTS)
    return ComparedRun(
        path=path,
        items=items,
        settings=_object(path / "settings.json"),
        faults=tuple(fault for fault in faults if isinstance(fault, Mapping)),
        is_virtual=facts.get("clock") == "virtual" or any(map(_has_no_picture, items.values())),
    )


def _has_no_picture(item: Item) -> bool:
    """Of an item that was answered in virtual time, also where no run.json says so."""
    return item.picture_crc32 == 0


def _object(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(read_regular(path, LARGEST_JSON, follow_links=True))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise BadInput(f"{path}: not a JSON object")
    return found


def _items(path: Path) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in read_rows(path, _item, needed=_NEEDED):
        found.setdefault(item.frame_id, item)
        if len(found) > MOST_ITEMS:
            raise BadInput(f"{path}: more than {MOST_ITEMS} items are not compared")
    return found


def _item(row: Mapping[str, str]) -> Item:
    crc32 = _number(row["picture_crc32"])
    return Item(
        frame_id=row["frame_id"],
        scheduled_s=float(row["scheduled_s"]),
        true_class=_one_of_few(row["true_class"]) or None,
        predicted_class=_one_of_few(row["predicted_class"]) or None,
        confidence=_number(row["confidence"]),
        low_confidence=row["low_confidence"] == "true",
        verdict=Verdict(row["verdict"]),
        reason=_one_of_few(row["reason"]),
        latency_ms=_number(row["latency_ms"]),
        slack_ms=_number(row["slack_ms"]),
        worker=_one_of_few(row["worker"]),
        attempts=int(row["attempts"]),
        model=_one_of_few(row["model"]),
        picture_crc32=None if crc32 is None else int(crc32),
        energy=_number(row.get("energy", "")),
    )


def _one_of_few(cell: str) -> str:
    """The text of a cell, kept once however many rows have it."""
    return sys.intern(plain(text_of(cell)))


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
