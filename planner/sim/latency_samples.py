"""What items meet on their way: what a measured one met in the same company, drawn by lot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from operator import attrgetter
from statistics import median
from typing import NamedTuple

import numpy as np

from planner.profile import LatencySample, LatencySamples, Profile, of_pool, quantile
from planner.sim.inference import SHARES
from planner.sim.paces import STEPS, Paces

_NEAREST = 32
"""Measured items that an item may be like; and those that are just as near."""
_SAME = 0.02
"""So much farther is just as near."""
_EDGES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0)
"""Between the headways that are told apart, in passages: the time that an item takes to pass."""
_MIDDLES = (0.0, *((low + high) / 2 for low, high in pairwise(_EDGES)), 3.0)
_BINS = len(_MIDDLES)
_FARTHEST_BEHIND = 1.25
"""In passages: who comes later meets nobody."""
_STRANGE = (1.0, 0.4, 1.0)
"""Headway and follower, in passages, and busy workers: so far apart are equally strange."""


class Passage(NamedTuple):
    """Seconds, but for `service`."""

    publish_s: float
    half_way_s: float
    """from the camera to the dispatcher, and from there to a worker"""
    service: int
    """which of the `SHARES` inferences, from the quickest to the slowest"""
    answer_s: float
    """from the worker back to the dispatcher"""


class LatencySampleTable:
    """Between two paces that were measured, samples of both, in proportion."""

    def __init__(self, profile: Profile, paces: Paces, workers: int) -> None:
        """`workers`: in the pool."""
        self._measured = sorted(
            of_pool(profile.latency_samples, workers), key=attrgetter("items_per_s")
        )
        passage_s = _passage_s(profile)
        self._edges_s = [edge * passage_s for edge in _EDGES]
        self._passages = [
            [_passage(sample) for sample in samples.items] for samples in self._measured
        ]
        self._traits = [_traits(samples, passage_s) for samples in self._measured]
        self._busiest = [max(sample.busy for sample in samples.items) for samples in self._measured]
        self._cells: list[dict[int, list[Passage]]] = [{} for _ in self._measured]
        rates = [samples.items_per_s for samples in self._measured]
        self._between = [paces.neighbours(step, rates) for step in range(STEPS)]

    def draw(
        self,
        share: float,
        step: int,
        headway_s: float = inf,
        follower_s: float = inf,
        busy: int = 0,
    ) -> Passage:
        """The one at `share` (0 … 1) of those of a pace which are most like an item.

        `headway_s` passed since the item before it, `follower_s` will until the one behind it;
        `busy` workers are at work.
        """
        below, above, part = self._between[step]
        if share < part:
            table, share = above, share / part
        else:
            table, share = below, (share - part) / (1 - part)
        edges_s = self._edges_s
        headway, follower = bisect_right(edges_s, headway_s), bisect_right(edges_s, follower_s)
        if busy > self._busiest[table]:
            busy = self._busiest[table]
        cells = self._cells[table]
        cell = (busy * _BINS + headway) * _BINS + follower
        try:
            known = cells[cell]
        except KeyError:
            known = cells[cell] = self._most_alike(table, headway, follower, busy)
        return known[int(share * len(known))]

    def _most_alike(self, table: int, headway: int, follower: int, busy: int) -> list[Passage]:
        known = self._passages[table]
        wanted = _MIDDLES[headway], min(_MIDDLES[follower], _FARTHEST_BEHIND), busy
        apart = (np.abs(self._traits[table] - wanted) / _STRANGE).sum(axis=1)
        farthest = np.sort(apart)[:_NEAREST][-1] + _SAME
        return [known[place] for place in np.flatnonzero(apart <= farthest)]


def _passage(sample: LatencySample) -> Passage:
    return Passage(
        publish_s=sample.publish_ms / 1000,
        half_way_s=sample.to_worker_ms / 2000,
        service=min(int(sample.inference * SHARES), SHARES - 1),
        answer_s=sample.decision_ms / 1000,
    )


def _traits(
    samples: LatencySamples, passage_s: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Of each item: headway and follower in passages, and busy workers."""
    passage_ms = 1000 * passage_s
    return np.array(
        [
            (
                min(sample.headway_ms / passage_ms, _MIDDLES[-1]),
                min(sample.follower_ms / passage_ms, _FARTHEST_BEHIND),
                sample.busy,
            )
            for sample in samples.items
        ],
        np.float64,
    )


def _passage_s(profile: Profile) -> float:
    """About what an item takes that meets nobody."""
    alone: Sequence[float] = next(
        each.ms for each in profile.service if each.workers is None and each.busy == each.batch == 1
    )
    samples = profile.latency_samples[0].items
    hops_ms = median(
        sample.publish_ms + sample.to_worker_ms + sample.decision_ms for sample in samples
    )
    return max(1e-6, (quantile(alone, 0.5) + hops_ms) / 1000)
