"""What came of a simulated line, in memory that does not grow with the number of its items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from line.errors import StageDied
from line.outcome import CLASSIFIED, IN_TIME, Outcome, Verdict

_STEPS = 512
"""Buckets that double a duration: a quantile is right to 0.14 %."""
_SHORTEST_MS = 1e-6
_FRESH = 1024
"""Rows that are counted together."""


class Histogram:
    """Durations in milliseconds, counted in buckets of equal relative width."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, durations_ms: Sequence[float]) -> None:
        """Count them all at once, which is cheaper by far than one by one."""
        if durations_ms:
            shown_ms = np.maximum(durations_ms, _SHORTEST_MS)
            self._counts.update(np.ceil(_STEPS * np.log2(shown_ms)).astype(np.int64).tolist())

    def merge(self, other: Histogram) -> None:
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        return self._counts.total()

    def quantile_ms(self, share: float) -> float | None:
        """The duration that this share (0 … 1) of all do not exceed; None if there are none."""
        left = share * self.count
        for bucket, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return float(2.0 ** (bucket / _STEPS))
        return None


Fate = tuple[str, str | None, Verdict]
"""(true class, predicted class, verdict): None where no model answered."""


@dataclass(slots=True)
class Figures:
    """Counts and durations of one run or of several, added up.

    Rates are in 0 … 1 and None where there is nothing to divide by; formulas as in the accounts
    of a run. Why items were not sorted, by class, is in `fates`; where their time went, in
    `queue_ms` (trigger to inference), `inference_ms` (of the batch) and `latency_ms` (trigger to
    decision).
    """

    mass_g: Mapping[str, float]
    """true class → mass of one of its items"""
    workers: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    reasons: Counter[tuple[Verdict, str]] = field(default_factory=Counter)
    """why items were dropped, expired or failed"""
    latency_ms: Histogram = field(default_factory=Histogram)
    queue_ms: Histogram = field(default_factory=Histogram)
    inference_ms: Histogram = field(default_factory=Histogram)
    wall_s: float = 0.0
    """virtual time until the last item was acknowledged, of the longest run"""
    belt_s: float = 0.0
    """belt time of the last trigger, of the longest run"""
    busy_s: float = 0.0
    """time that workers were in inferences, all together"""
    processor_s: Counter[str] = field(default_factory=Counter)
    """process → processor time that it used, in seconds; empty where the profile has none"""
    restarts: Counter[str] = field(default_factory=Counter)
    """role → unplanned restarts"""
    events: int = 0
    """SimPy events that it took"""
    died: StageDied | None = None
    """why the line did not come to its end; all figures are of the time until then"""
    unaccounted: int = 0
    """items that were fed and have no verdict, because the line died"""
    _fresh: list[Outcome] = field(default_factory=list, repr=False)
    injected: tuple[int, ...] = ()
    """numbers of the scenario's events that came about"""

    def count(self, outcome: Outcome) -> None:
        """One more row, of an item whose class is known."""
        self._fresh.append(outcome)
        if len(self._fresh) == _FRESH:
            self.settle()

    def settle(self) -> None:
        """Put the last rows where they belong; before figures are read."""
        rows, self._fresh = self._fresh, []
        self.fates.update([(str(row.true_class), row.predicted_class, row.verdict) for row in rows])
        self.reasons.update([(row.verdict, row.reason) for row in rows if row.latency_ms is None])
        answered = [row for row in rows if row.latency_ms is not None]
        self.latency_ms.add([row.latency_ms or 0.0 for row in answered])
        self.queue_ms.add([row.queue_ms or 0.0 for row in answered])
        self.inference_ms.add([row.inference_ms or 0.0 for row in answered])

    def merge(self, other: Figures) -> None:
        """Add a line that ran beside this one, or after it with another seed."""
        self.workers += other.workers
        self.fates.update(other.fates)
        self.reasons.update(other.reasons)
        self.restarts.update(other.restarts)
        for name in ("latency_ms", "queue_ms", "inference_ms"):
            getattr(self, name).merge(getattr(other, name))
        self.wall_s = max(self.wall_s, other.wall_s)
        self.belt_s = max(self.belt_s, other.belt_s)
        self.busy_s += other.busy_s
        self.processor_s.update(other.processor_s)
        self.events += other.events
        self.died = self.died or other.died
        self.unaccounted += other.unaccounted

    @property
    def fed(self) -> int:
        """Items, each with one verdict."""
        return self.fates.total()

    @property
    def verdicts(self) -> dict[Verdict, int]:
        """Items of each verdict, also of those that did not occur."""
        counts = dict.fromkeys(Verdict, 0)
        for (_, _, verdict), items in self.fates.items():
            counts[verdict] += items
        return counts

    @property
    def in_time_rate(self) -> float | None:
        """Items answered before their deadline ÷ items fed."""
        return _ratio(self._items(lambda fate: fate[2] in IN_TIME), self.fed)

    @property
    def throughput_fps(self) -> float | None:
        """Answers ÷ virtual wall time."""
        return _ratio(self._items(lambda fate: fate[2] in CLASSIFIED), self.wall_s)

    @property
    def utilisation(self) -> float | None:
        """Time in inferences ÷ time of all workers."""
        return _ratio(self.busy_s, self.workers * self.wall_s)

    def purity(self, name: str, *, by_mass: bool = False) -> float | None:
        """Right items ejected into the bin of class `name` ÷ all items ejected into it."""
        into = {Verdict.SORTED, Verdict.MISSORTED}
        return _ratio(
            self._amount(lambda fate: fate[:2] == (name, name) and fate[2] in into, by_mass),
            self._amount(lambda fate: fate[1] == name and fate[2] in into, by_mass),
        )

    def recovery(self, name: str | None = None, *, by_mass: bool = False) -> float | None:
        """Items of class `name` (None = of all) that went where they belong ÷ its items fed.

        That is into its own bin; for the residue class, off the end of the belt on purpose.
        """
        right = {Verdict.SORTED, Verdict.RESIDUE_OK}
        return _ratio(
            self._amount(lambda fate: name in (None, fate[0]) and fate[2] in right, by_mass),
            self._amount(lambda fate: name in (None, fate[0]), by_mass),
        )

    def _items(self, holds: Callable[[Fate], bool]) -> int:
        return sum(items for fate, items in self.fates.items() if holds(fate))

    def _amount(self, holds: Callable[[Fate], bool], by_mass: bool) -> float:
        return sum(
            items * (self.mass_g[fate[0]] if by_mass else 1)
            for fate, items in self.fates.items()
            if holds(fate)
        )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
