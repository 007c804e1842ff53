"""What became of the items, counted from the lanes' progress files and the rows alone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from line.model.facts import ModelFacts
from line.outcome import COLUMNS, Verdict
from line.run_files.lane_record import LaneRecord
from line.run_files.session import Session
from line.settings import Settings
from producers.arrivals import lane_arrivals

_UNDECIDED = (Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED)


@dataclass(frozen=True, slots=True)
class Audit:
    """Counts of items and rows."""

    fed: int
    """items that the cameras' progress files tell of"""
    expected: int | None
    """items that the seed puts on the belts; None where the drill cannot know"""
    rows: int
    lost: int
    """fed or expected, without a row"""
    duplicates: int
    """rows beyond an item's first, rows of items that were never fed, and damaged rows"""
    unexplained: int
    """rows of undecided items without a reason"""
    longest_gap_s: float | None
    """between two decisions, on the belt's clock; None at `--speed max` or without two"""
    verdicts: dict[str, int]
    models: list[str]
    """short hashes of the models that answered"""
    strange_models: list[str]
    """those of them that are neither the run's own nor ordered of it"""

    @property
    def is_clean(self) -> bool:
        """Each item ended in exactly one row, with a reason where nothing was decided."""
        return not (self.lost or self.duplicates or self.unexplained)


def audit(run_dir: Path, settings: Settings, *, finished: bool) -> Audit:
    """Count. `finished`: the belt ran to its end, so that the seed says how many items there were.

    Only a procedural source is known without being opened.
    """
    lanes = range(settings.line.cameras)
    fed = {lane: LaneRecord.read(run_dir / f"camera-{lane}.progress").fed for lane in lanes}
    expected = None
    if finished and settings.source.spec == "procedural":
        expected = {lane: sum(1 for _ in lane_arrivals(settings, lane, None)) for lane in lanes}
    rows, damaged = _rows(run_dir / "results.csv")
    counts = Counter(row["frame_id"] for row in rows)
    due = {
        f"{lane}-{seq}"
        for lane in lanes
        for seq in range(max(fed[lane], expected[lane] if expected else 0))
    }
    twice = sum(counts.values()) - len(counts)
    models = {row["model"] for row in rows} - {""}
    return Audit(
        fed=sum(fed.values()),
        expected=None if expected is None else sum(expected.values()),
        rows=len(rows),
        lost=len(due - counts.keys()),
        duplicates=twice + len(counts.keys() - due) + damaged,
        unexplained=sum(row["verdict"] in _UNDECIDED and not row["reason"] for row in rows),
        longest_gap_s=_longest_gap_s(rows, settings),
        verdicts=dict(Counter(row["verdict"] for row in rows)),
        models=sorted(models),
        strange_models=sorted(models - _ordered_models(run_dir)),
    )


def _ordered_models(run_dir: Path) -> set[str]:
    overrides = Session.load(run_dir).overrides
    return {model.short_hash for model in overrides.all_models(ModelFacts.load(run_dir))}


Row = dict[str, str]


def _rows(path: Path) -> tuple[list[Row], int]:
    """The rows, and how many lines are none."""
    if not path.exists():
        return [], 0
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = list(csv.reader(file))[1:]
    whole = [dict(zip(COLUMNS, line, strict=True)) for line in lines if len(line) == len(COLUMNS)]
    return whole, len(lines) - len(whole)


def _longest_gap_s(rows: list[Row], settings: Settings) -> float | None:
    if settings.line.speed == "max":
        return None
    moments = sorted(_decided_at(rows, settings.line.speed))
    return max((after - before for before, after in pairwise(moments)), default=None)


def _decided_at(rows: list[Row], speed: float) -> Iterator[float]:
    """Wall seconds from belt second 0, pauses of the runner not counted."""
    for row in rows:
        if row["latency_ms"]:
            yield float(row["scheduled_s"]) / speed + float(row["latency_ms"]) / 1000
