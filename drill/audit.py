"""What became of the items, counted from the lanes' progress files and the rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from line.model.facts import ModelFacts
from line.outcome import Verdict
from line.run_files.lane_record import LaneRecord
from line.run_files.results import FILE as RESULTS
from line.run_files.results import blocks_of_rows, naming, records
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
    rows = _Rows(run_dir / RESULTS)
    due = {
        f"{lane}-{seq}"
        for lane in lanes
        for seq in range(max(fed[lane], expected[lane] if expected else 0))
    }
    count, known = rows.of_item.total(), rows.of_item.keys()
    return Audit(
        fed=sum(fed.values()),
        expected=None if expected is None else sum(expected.values()),
        rows=count,
        lost=len(due - known),
        duplicates=count - len(known) + len(known - due) + rows.damaged,
        unexplained=rows.unexplained,
        longest_gap_s=_longest_gap_s(rows, settings),
        verdicts=dict(rows.verdicts),
        models=sorted(rows.models),
        strange_models=sorted(rows.models - _ordered_models(run_dir)),
    )


def _ordered_models(run_dir: Path) -> set[str]:
    overrides = Session.load(run_dir).overrides
    return {model.short_hash for model in overrides.all_models(ModelFacts.load(run_dir))}


class _Rows:
    """What the rows amount to, kept without them."""

    def __init__(self, path: Path) -> None:
        self.of_item = Counter[str]()
        self.verdicts = Counter[str]()
        self.models = set[str]()
        self.unexplained = 0
        self.decided_s: list[tuple[float, float]] = []
        """of each answer, belt time of the trigger and wall time from there"""
        self.damaged = 0
        """lines that are none, also a torn one"""
        if path.exists():
            with naming(path):
                for block, names in blocks_of_rows(path, torn=True):
                    for _, cells in records(block, errors="replace"):
                        if len(cells) == len(names):
                            self._add(dict(zip(names, cells, strict=True)))
                        else:
                            self.damaged += 1

    def _add(self, row: Mapping[str, str]) -> None:
        self.of_item[row["frame_id"]] += 1
        self.verdicts[row["verdict"]] += 1
        self.unexplained += row["verdict"] in _UNDECIDED and not row["reason"]
        if row["model"]:
            self.models.add(row["model"])
        if row["latency_ms"]:
            self.decided_s.append((float(row["scheduled_s"]), float(row["latency_ms"]) / 1000))


def _longest_gap_s(rows: _Rows, settings: Settings) -> float | None:
    """In wall seconds from belt second 0, pauses of the runner not counted."""
    speed = settings.line.speed
    if speed == "max":
        return None
    moments = sorted(belt_s / speed + wall_s for belt_s, wall_s in rows.decided_s)
    return max((after - before for before, after in pairwise(moments)), default=None)
