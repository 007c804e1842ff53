"""How long an inference takes: as measured, or carried on from what was measured nearest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from planner.profile import Profile, Service

SHARES = 1024
"""Inferences of one kind that are told apart, evenly from the quickest to the slowest."""
PACES = 33
"""Paces that are told apart, evenly from none to the highest that was measured."""


class ServiceTimes:
    """Of one machine and model.

    - a pool of another size than measured: as the next smaller one that was;
    - more busy workers than measured: each gets its share of the cores, so the time grows with
      max(busy, cores) ÷ max(measured, cores); fewer: as with the next fewer that were measured;
    - a batch larger than measured: in proportion to its frames; smaller: the same;
    - a pace (items a second at the photo-eyes: pictures are made and rows written on the same
      cores) between two measured ones: in proportion between both; outside: as the nearest.
    """

    def __init__(self, profile: Profile, workers: int) -> None:
        """`workers`: in the pool."""
        entries = _of_pool(profile.service, workers)
        self._measured: dict[tuple[int, int], list[Service]] = {}
        for each in sorted(entries, key=lambda each: each.items_per_s):
            self._measured.setdefault((each.busy, each.batch), []).append(each)
        self._highest = max(each.items_per_s for each in entries)
        self._cores = profile.machine.cores
        self.turnaround_s = float(np.mean(profile.turnaround_ms)) / 1000
        """a worker's pause between two inferences, the next frame at hand"""
        self._picture_crowding = profile.picture_crowding
        self.table_s = cache(self._table_s)

    def picture_crowding(self, busy: int) -> float:
        """Factor on the making of a picture while so many workers are busy."""
        return self._picture_crowding[min(busy, len(self._picture_crowding) - 1)]

    def pace(self, items_per_s: float) -> int:
        """Which of the `PACES` that is."""
        if items_per_s >= self._highest:
            return PACES - 1
        return int((PACES - 1) * items_per_s / self._highest + 0.5)

    def _table_s(self, busy: int, batch: int, pace: int = 0) -> list[float]:
        """`SHARES` durations in seconds of a batch begun as one of `busy`, ascending."""
        nearest_busy = max(b for b, _ in self._measured if b <= busy)
        batches = sorted(n for b, n in self._measured if b == nearest_busy)
        nearest_batch = max((n for n in batches if n <= batch), default=batches[0])
        crowding = max(busy, self._cores) / max(nearest_busy, self._cores)
        factor = batch / nearest_batch * (crowding if busy > nearest_busy else 1.0)
        entries = self._measured[nearest_busy, nearest_batch]
        times_ms = _between(entries, self._highest * pace / (PACES - 1))
        times_s: list[float] = (times_ms * factor / 1000).tolist()
        return times_s


def _of_pool(service: Sequence[Service], workers: int) -> list[Service]:
    pools = sorted({each.workers for each in service if each.workers is not None})
    nearest = max((pool for pool in pools if pool <= workers), default=pools[0] if pools else None)
    return [each for each in service if each.workers in (None, nearest)]


def _between(entries: list[Service], items_per_s: float) -> NDArray[np.float64]:
    """`SHARES` durations in ms at a pace; the entries' own paces ascend."""
    shares = (np.arange(SHARES) + 0.5) / SHARES
    known = [np.interp(shares, np.linspace(0.0, 1.0, len(each.ms)), each.ms) for each in entries]
    paces = [each.items_per_s for each in entries]
    above = min(int(np.searchsorted(paces, items_per_s)), len(paces) - 1)
    below = max(above - 1, 0)
    part = float(np.interp(items_per_s, [paces[below], paces[above]], [0.0, 1.0]))
    return known[above] if below == above else (1 - part) * known[below] + part * known[above]
