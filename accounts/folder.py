"""A run folder: everything that the line wrote about one run."""

from __future__ import annotations

import json
import math
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from accounts.attribution import Attribution, attribute
from accounts.deadlines import Changes, deadline_ms, read_changes
from accounts.facts import Facts, read_facts
from accounts.results import Results, read_results
from accounts.review import QueuedItem, read_queue
from line.errors import BadInput
from line.run_reading import reading
from line.settings import Settings


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The content of a run folder, read once."""

    path: Path
    settings: Settings
    facts: Facts
    """empty if the run was cut off before the runner could write them"""
    results: Results
    alerts: tuple[dict[str, Any], ...]
    """in the order in which they were raised"""
    queue: tuple[QueuedItem, ...]
    """the review queue, least confident first"""
    changes: Changes
    """what was ordered of the belts while they ran"""

    @property
    def fed(self) -> int:
        """Items fed; those logged where the runner left no figure."""
        return len(self.results.items) if self.facts.fed is None else self.facts.fed

    @property
    def speed(self) -> float | str:
        """Clock multiplier, or `max`."""
        return self.settings.line.speed if self.facts.speed is None else self.facts.speed

    @property
    def deadline_ms(self) -> float | None:
        """Wall time from a trigger to the last moment for a decision, as the settings have it.

        1000 · settings.deadline_s ÷ speed; `None` at `max`, where nothing has a deadline.
        """
        speed = self.speed
        return None if isinstance(speed, str) else 1000 * self.settings.deadline_s / speed

    def deadline_of(self, camera: int, scheduled_s: float) -> float | None:
        """As `deadline_ms`, but of an item, by the belt and the clock as they ran under it.

        `None` also where it is not known what was ordered of them.
        """
        return deadline_ms(self.settings, self.speed, self.changes, camera, scheduled_s)

    @property
    def belt_s(self) -> float | None:
        """Belt time fed: from belt second 0 to the last trigger in the rows; `None` without rows.

        The rows say it of every run alike. The belt itself runs on until its last item is off.
        """
        last_s = float(self.results.items["scheduled_s"].max())
        return last_s if math.isfinite(last_s) else None

    @property
    def classes(self) -> list[str]:
        """The model's classes in its order, then any others seen, by name."""
        items = self.results.items
        seen = {*items["true_class"].dropna(), *items["predicted_class"].dropna()}
        known = list(dict.fromkeys(self.facts.model.classes))
        return known + sorted(seen.difference(known))

    def attributions(self) -> dict[str, Attribution]:
        """Of each class, where its recovery was lost."""
        settings = self.settings
        prices = {name: one.value_per_t for name, one in settings.classes.items()}
        residue_class = settings.belt.residue_class
        return attribute(self.results.items, self.classes, residue_class, prices)


def read_run(path: Path) -> RunFolder:
    """Read the run folder `path`. Missing by-products (facts, alerts, queue) read as empty.

    Raises:
        BadInput: `path` is no run folder, or one of its files is not what it should be or may not
            be read.
    """
    with reading(path):
        return _read_run(path)


def _read_run(path: Path) -> RunFolder:
    for name in ("results.csv", "settings.json"):
        if not (path / name).is_file():
            raise BadInput(f"{path}: not a run folder (no {name})")
    facts = read_facts(path / "run.json") or Facts()
    return RunFolder(
        path=path,
        settings=_read_settings(path / "settings.json"),
        facts=facts,
        results=read_results(path / "results.csv"),
        alerts=_read_alerts(path / "alerts.jsonl"),
        queue=read_queue(path / "review"),
        changes=read_changes(path, facts.orders),
    )


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path` such that a reader sees the old file or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    with suppress(FileNotFoundError):  # whoever may read the run may read what is made of it
        shutil.copymode(path.with_name("settings.json"), draft)
    draft.replace(path)


def _read_settings(path: Path) -> Settings:
    try:
        return Settings.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {field + ': ' if field else ''}{first['msg']}") from None


def _read_alerts(path: Path) -> tuple[dict[str, Any], ...]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    alerts = (_json_object(line) for line in lines)
    return tuple(alert for alert in alerts if alert is not None)


def _json_object(line: bytes) -> dict[str, Any] | None:
    """The object in `line`; `None` for anything else, such as a line torn by a kill."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
