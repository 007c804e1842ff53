"""How long an inference takes: as measured, or carried on from what was measured nearest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.paces import Paces
from planner.profile import Crowding, Profile, Service

SHARES = 1024
"""Inferences of one kind that are told apart, evenly from the quickest to the slowest."""

_Entry = TypeVar("_Entry", Service, Crowding)


class ServiceTimes:
    """Of one machine and model.

    - a pool of another size than measured: as the next smaller one that was;
    - more busy workers than measured: each gets its share of the cores, so the time grows with
      max(busy, cores) ÷ max(measured, cores); fewer: as with the next fewer that were measured;
    - a batch larger than measured: in proportion to its frames; smaller: the same;
    - a pace (items a second at the photo-eyes: pictures are made and rows written on the same
      cores) between two measured ones: in proportion between both; outside: as the nearest.
    """

    def __init__(self, profile: Profile, paces: Paces, workers: int) -> None:
        """`workers`: in the pool."""
        self._paces = paces
        entries = _of_pool(profile.service, workers)
        self._measured: dict[tuple[int, int], list[Service]] = {}
        for each in sorted(entries, key=lambda each: each.items_per_s):
            self._measured.setdefault((each.busy, each.batch), []).append(each)
        self._cores = profile.machine.cores
        self.turnaround_s = float(np.mean(profile.turnaround_ms)) / 1000
        """a worker's pause between two inferences, the next frame at hand"""
        self._crowding = self._crowdings(_of_pool(profile.crowding, workers))
        self.table_s = cache(self._table_s)

    def crowding(self, step: int) -> float:
        """Factor on the making of a picture, at a step of pace."""
        return self._crowding[step]

    def _crowdings(self, measured: Sequence[Crowding]) -> list[float]:
        known = sorted((each.items_per_s, each.factor) for each in measured) or [(0.0, 1.0)]
        known_per_s, factors = np.array(known).T
        return [float(f) for f in np.interp(self._paces.every_per_s, known_per_s, factors)]

    def _table_s(self, busy: int, batch: int, step: int) -> list[float]:
        """`SHARES` durations in seconds of a batch begun as one of `busy`, ascending."""
        nearest_busy = max(b for b, _ in self._measured if b <= busy)
        batches = sorted(n for b, n in self._measured if b == nearest_busy)
        nearest_batch = max((n for n in batches if n <= batch), default=batches[0])
        crowding = max(busy, self._cores) / max(nearest_busy, self._cores)
        factor = batch / nearest_batch * (crowding if busy > nearest_busy else 1.0)
        entries = self._measured[nearest_busy, nearest_batch]
        rates = [each.items_per_s for each in entries]
        below, above, part = self._paces.neighbours(step, rates)
        times_ms = (1 - part) * _spread(entries[below]) + part * _spread(entries[above])
        times_s: list[float] = (times_ms * factor / 1000).tolist()
        return times_s


def _of_pool(measured: Sequence[_Entry], workers: int) -> list[_Entry]:
    pools = sorted({each.workers for each in measured if each.workers is not None})
    nearest = max((pool for pool in pools if pool <= workers), default=pools[0] if pools else None)
    return [each for each in measured if each.workers in (None, nearest)]


def _spread(entry: Service) -> NDArray[np.float64]:
    """`SHARES` durations in ms."""
    shares = (np.arange(SHARES) + 0.5) / SHARES
    return np.interp(shares, np.linspace(0.0, 1.0, len(entry.ms)), entry.ms)
