"""A run folder: everything that the line wrote about one run."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from line.belt_changes import BeltChange
from line.belt_time import Clock
from line.errors import BadInput
from line.events import Drift
from line.own_file import LARGEST_JSON, read_regular
from line.pace import belt_pace
from line.promise.observed import BinLabels, Observed
from line.run_files.csv_blocks import Tell
from line.run_files.results import FILE as RESULTS
from line.run_files.run_folder import reading
from line.run_files.said_labels import QueuedAnswer, queued_answers
from line.run_files.session import FILE, Session
from line.settings import Settings
from line.validation_errors import damaged
from reports.alerts import Alerts, read_alerts
from reports.attribution import Attribution, attribute
from reports.facts import Facts, read_facts, session_facts
from reports.review import Queue, read_queue
from reports.shadow import Comparison, read_comparisons
from reports.tally import Tally, tally_of

Changes = tuple[BeltChange, ...] | None
"""What was ordered of the belts and the clock, ascending in time; None: that is not known."""


def read_changes(run_dir: Path, orders: int) -> Changes:
    """What the run's last session kept; `orders`: how many the line was given, of all kinds."""
    if not (run_dir / FILE).is_file():  # as in virtual time, where nobody gives any
        return None if orders else ()
    try:
        return tuple(Session.load(run_dir).overrides.changes)
    except BadInput:
        return None


def deadline_ms(
    settings: Settings, speed: float | str, changes: Changes, camera: int, scheduled_s: float
) -> float | None:
    """Wall time from a trigger at belt second `scheduled_s` to the last moment for a decision.

    The way to the ejector at the pace of the lane's belt, less the actuator's time, both by the
    clock. None at `max`, where nothing has a deadline, and where `changes` are not known.
    """
    if isinstance(speed, str) or changes is None:
        return None
    belt = settings.belt
    drifts = [e for e in settings.events if isinstance(e, Drift) and e.index == camera]
    pace = belt_pace(belt.speed_m_per_s, drifts, changes)
    left_s = pace.duration_s(scheduled_s, belt.camera_to_ejector_m) - belt.actuator_ms / 1000
    clock = Clock(0.0, speed, changes)
    return 1000 * (clock.wall(scheduled_s + left_s) - clock.wall(scheduled_s))


T = TypeVar("T")
_SAME_MS = 1.0
"""Deadlines that differ by no more are one: times are rounded."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run folder has beside its rows."""

    path: Path
    settings: Settings
    facts: Facts
    """of a run that was cut off, what its session had kept"""
    changes: Changes
    """what was ordered of the belts while they ran"""

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


@dataclass(frozen=True, slots=True)
class FinishedRun(RunFiles):
    """All that a run folder says, read once, in memory that does not grow with the run."""

    tally: Tally
    """of the rows"""
    alerts: Alerts
    queue: Queue
    comparisons: list[Comparison]
    """of shadow models, see `reports.shadow`"""
    observed: Observed
    """what labels say of the bins of which a purity was promised"""

    @property
    def fed(self) -> int:
        """Items fed; those logged where the runner left no figure."""
        return self.tally.items if self.facts.fed is None else self.facts.fed

    @property
    def deadline_to_draw_ms(self) -> float | None:
        """The one deadline that all items had; None where there were several, or none."""
        found = self.tally.deadlines_ms
        if found is None or found[1] - found[0] <= _SAME_MS:
            return self.deadline_ms if found is None else found[1]
        return None

    @property
    def belt_speeds_m_per_s(self) -> tuple[float, float] | None:
        """The slowest and the fastest that any lane ran while it was fed, by the wall clock.

        Belt speed times clock, as ordered and as the scenario has it. None at `max`, and where it
        is not known what was ordered.
        """
        if isinstance(self.speed, str) or self.changes is None:
            return None
        drifts = [event for event in self.settings.events if isinstance(event, Drift)]
        moments = {0.0, *(each.at_s for each in (*self.changes, *drifts))}
        moments = {at_s for at_s in moments if at_s <= (self.belt_s or 0.0)}
        clock = Clock(0.0, self.speed, self.changes)
        lanes = [[d for d in drifts if d.index == n] for n in range(self.settings.line.cameras)]
        paces = [belt_pace(self.settings.belt.speed_m_per_s, d, self.changes) for d in lanes]
        found = [pace.rate_at(at_s) * clock.speed_at(at_s) for pace in paces for at_s in moments]
        return min(found), max(found)

    @property
    def belt_s(self) -> float | None:
        """Belt time fed: from belt second 0 to the last trigger in the rows; `None` without rows.

        The rows say it of every run alike. The belt itself runs on until its last item is off.
        """
        last_s = self.tally.timeline.last_s
        return last_s if math.isfinite(last_s) else None

    @property
    def classes(self) -> list[str]:
        """The model's classes in its order, then any others seen, by name."""
        known = list(dict.fromkeys(self.facts.model.classes))
        return known + sorted(self.tally.table.classes().difference(known))

    def attributions(self) -> dict[str, Attribution]:
        """Of each class, where its recovery was lost."""
        return attribute(self.tally.table, self.classes, self.settings.belt.residue_class)


def read_files(path: Path) -> RunFiles:
    """What the run folder `path` has beside its rows, alerts and review queue.

    Raises:
        BadInput: as `read_run`.
    """
    with reading(path):
        for name in (RESULTS, "settings.json"):
            if not (path / name).is_file():
                raise BadInput(f"{path}: not a run folder (no {name})")
        settings = _read_settings(path / "settings.json")
        facts = read_facts(path / "run.json") or session_facts(path, settings)
        return RunFiles(path, settings, facts, read_changes(path, facts.orders))


def read_run(
    path: Path, tell: Tell = lambda done, of: None, unread: list[str] | None = None
) -> FinishedRun:
    """Read the run folder `path`. Missing by-products (facts, alerts, queue) read as empty.

    `tell` hears how many bytes of how many of its rows are read. With `unread` by-products that
    cannot be read are taken as empty, too, and why is added there.

    Raises:
        BadInput: `path` is no run folder, or one of its files is not what it should be or may not
            be read.
    """
    files = read_files(path)
    alerts = _by_product(read_alerts, path / "alerts.jsonl", Alerts(), unread)
    queue = _by_product(read_queue, path / "review", Queue(), unread)
    no_shadow: list[Comparison] = []
    comparisons = _by_product(read_comparisons, path, no_shadow, unread)
    answers: list[QueuedAnswer] = []
    bins = BinLabels(files.settings)
    if bins.names:
        answers = _by_product(queued_answers, path / "review", answers, unread)
    with reading(path):
        prices = {name: one.value_per_t for name, one in files.settings.classes.items()}
        return FinishedRun(
            files.path,
            files.settings,
            files.facts,
            files.changes,
            tally_of(path / RESULTS, prices, bins, tell),
            alerts,
            queue,
            comparisons,
            bins.observed(answers),
        )


def _by_product(read: Callable[[Path], T], path: Path, nothing: T, unread: list[str] | None) -> T:
    try:
        with reading(path):
            return read(path)
    except BadInput as error:
        if unread is None:
            raise
        unread.append(str(error))
        return nothing


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft to write, which takes the place of `path` in a run folder when the block ends well.

    A reader sees the old file or the new one, never a part.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        with suppress(FileNotFoundError):  # whoever may read the run may read what is made of it
            shutil.copymode(path.with_name("settings.json"), draft)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Put a text in the place of `path`, see `replacing`."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")


def _read_settings(path: Path) -> Settings:
    try:
        return Settings.model_validate_json(read_regular(path, LARGEST_JSON, follow_links=True))
    except ValidationError as error:
        raise damaged(path, error) from None
