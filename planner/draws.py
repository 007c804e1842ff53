"""What chance decides of an item's way through the line: drawn for many items at once.

It depends on (seed, camera, sequence) alone, like the item itself, so that two lines that differ
in their workers meet the same luck.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.profile import Profile, Quantiles
from planner.service import SHARES
from producers.randomness import Purpose

_BLOCK_ITEMS = 1024
_Draws = NDArray[np.float64]


class Luck(NamedTuple):
    """Of one item. Durations in virtual seconds."""

    picture_s: float
    publish_s: float
    half_way_s: float
    """from the camera to the dispatcher, and from there to a worker"""
    service: int
    """which of the `SHARES` inferences it meets, from the quickest to the slowest"""
    answer_s: float
    """from the worker back to the dispatcher"""
    store_s: float
    """from the dispatcher to a sink's file"""
    answer: float
    """0 … 1: which answer of its class"""


def lucks(profile: Profile, seed: int, camera: int) -> Iterator[Luck]:
    """Of items 0, 1, 2 … of one lane, without end."""
    hops = profile.hops
    for block in count():
        words = np.random.SeedSequence([seed, camera, block, int(Purpose.TWIN)])
        draws = np.random.Generator(np.random.PCG64(words)).random((7, _BLOCK_ITEMS))
        columns = (
            _seconds(profile.picture_ms, draws[0]),
            _seconds(hops.trigger_to_publish_ms, draws[1]),
            _seconds(hops.publish_to_worker_ms, draws[2]) / 2,
            (draws[3] * SHARES).astype(np.int64),
            _seconds(hops.worker_to_decision_ms, draws[4]),
            _seconds(hops.decision_to_acknowledged_ms, draws[5]) / 2,
            draws[6],
        )
        yield from map(Luck._make, zip(*(column.tolist() for column in columns), strict=True))


def _seconds(quantiles_ms: Quantiles, draws: _Draws) -> _Draws:
    shares = np.linspace(0.0, 1.0, len(quantiles_ms))
    return np.interp(draws, shares, quantiles_ms) / 1000


def duration_s(quantiles: Quantiles, draw: float) -> float:
    """The value at one share (0 … 1) of a quantile function, in its own unit."""
    shares = np.linspace(0.0, 1.0, len(quantiles))
    return float(np.interp(draw, shares, quantiles))
