"""How long an inference takes alone, and beside whoever else is at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from line.dispatch.batch_times import fitted
from line.messages import BatchTimes
from planner.profile import Crowding, Profile, Service, Turnaround, of_pool
from planner.sim.paces import Paces
from planner.sim.stand_ins import Item

SHARES = 1024
"""Inferences of one kind that are told apart, evenly from the quickest to the slowest."""


class ServiceTimes:
    """Of one machine and model.

    - a pool of another size than measured: as the next smaller one that was;
    - more workers at work than measured: each gets its share of the cores, so the time grows with
      max(busy, cores) ÷ max(measured, cores); fewer: as with the next fewer that were measured;
    - a batch larger than measured: in proportion to its frames, or, where batches were measured
      that gain, along the straight line through their times; smaller: the same;
    - a pace (items a second at the photo-eyes: pictures are made and rows written on the same
      cores) between two measured ones: in proportion between both; outside: as the nearest.
    """

    def __init__(self, profile: Profile, paces: Paces, workers: int) -> None:
        """`workers`: in the pool."""
        self._paces = paces
        entries = of_pool(profile.service, workers)
        self._measured: dict[tuple[int, int], list[Service]] = {}
        for each in sorted(entries, key=lambda each: each.items_per_s):
            self._measured.setdefault((each.busy, each.batch), []).append(each)
        self._cores = profile.machine.cores
        self.batches = self._batches()
        """what they take where a worker gains by them"""
        self.turnaround_s = _mean_s(of_pool(profile.turnaround, workers))
        """a worker's pause between two inferences, the next frame at hand"""
        self.crowding = self._crowdings(of_pool(profile.crowding, workers))
        """by step of pace: factor on the making of a picture"""
        self.crowds = [self._crowd_of(busy) for busy in range(workers + 1)]
        """by workers at work: the fewest of them beside whom an inference takes as long"""
        self.table_s = cache(self._table_s)

    def _batches(self) -> BatchTimes | None:
        """Of the fewest workers at work beside whom several sizes were measured."""
        times_s: dict[int, dict[int, float]] = {}
        for (busy, batch), entries in sorted(self._measured.items()):
            times_s.setdefault(busy, {})[batch] = float(np.mean(entries[0].ms)) / 1000
        found = (fitted(by_size) for by_size in times_s.values() if 1 in by_size)
        return next((batches for batches in found if batches is not None), None)

    def _crowd_of(self, busy: int) -> int:
        nearest = self._nearest_busy(max(1, busy))
        return nearest if self._share(busy, nearest) == 1.0 else busy

    def _nearest_busy(self, busy: int) -> int:
        return max(measured for measured, _ in self._measured if measured <= busy)

    def _share(self, busy: int, measured: int) -> float:
        """Factor on what was measured: who is one of more gets less of the cores."""
        return max(busy, self._cores) / max(measured, self._cores)

    def _crowdings(self, measured: Sequence[Crowding]) -> list[float]:
        alone = (0.0, 1.0)
        known = sorted([alone, *((each.items_per_s, each.factor) for each in measured)])
        known_per_s, factors = np.array(known).T
        return [float(f) for f in np.interp(self._paces.every_per_s, known_per_s, factors)]

    def _table_s(self, busy: int, batch: int, step: int) -> list[float]:
        """`SHARES` durations in seconds of a batch beside which `busy` are at work, ascending."""
        nearest_busy = self._nearest_busy(busy)
        batches = sorted(n for b, n in self._measured if b == nearest_busy)
        nearest_batch = max((n for n in batches if n <= batch), default=batches[0])
        factor = self._times(batch, nearest_batch) * self._share(busy, nearest_busy)
        entries = self._measured[nearest_busy, nearest_batch]
        rates = [each.items_per_s for each in entries]
        below, above, part = self._paces.neighbours(step, rates)
        times_ms = (1 - part) * _spread(entries[below]) + part * _spread(entries[above])
        times_s: list[float] = (times_ms * factor / 1000).tolist()
        return times_s

    def _times(self, batch: int, measured: int) -> float:
        """How many times as long as one that was measured a batch takes."""
        if self.batches is None:
            return batch / measured
        return self.batches.seconds(batch) / self.batches.seconds(measured)


def _mean_s(measured: Sequence[Turnaround]) -> float:
    return float(np.mean(measured[-1].ms)) / 1000 if measured else 0.0


def _spread(entry: Service) -> NDArray[np.float64]:
    """`SHARES` durations in ms."""
    shares = (np.arange(SHARES) + 0.5) / SHARES
    return np.interp(shares, np.linspace(0.0, 1.0, len(entry.ms)), entry.ms)


@dataclass(slots=True, eq=False)
class Inference:
    """Of a batch, by one worker. Times are virtual seconds."""

    batch: list[Item]
    service: int
    """which of those of its kind, from the quickest to the slowest"""
    slowness: float
    """factor on all of it"""
    began_s: float
    """may lie ahead: the worker's turnaround comes first"""
    lasts_s: float
    """the whole of it, if all goes on as now"""
    ends_s: float
    """then"""
    told: Callable[[], None]
    """hears that `ends_s` has changed"""
    since_s: float
    """since when all has gone on as now"""
    done: float = 0.0
    """share of it until then"""
    processor_s: float = 0.0
    """processor time that it takes, as far as that is known"""

    def go_on(self, now: float, lasts_s: float) -> None:
        """From now on as one does that lasts so long in all."""
        self._do_until(now)
        self.lasts_s = lasts_s
        self._look_ahead()

    def rest(self, now: float, until_s: float) -> None:
        """Its worker is frozen for a while."""
        self._do_until(now)
        self.since_s = max(self.since_s, until_s)
        self._look_ahead()

    def _do_until(self, now: float) -> None:
        if now > self.since_s:
            self.done += (now - self.since_s) / self.lasts_s if self.lasts_s else 1.0
            self.since_s = now

    def _look_ahead(self) -> None:
        self.ends_s = self.since_s + (1.0 - self.done) * self.lasts_s
        self.told()
