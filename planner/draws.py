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

BLOCK_ITEMS = 1024
_Draws = NDArray[np.float64]


class Luck(NamedTuple):
    """Of `BLOCK_ITEMS` items, one after the other. Durations in virtual seconds."""

    picture_s: list[float]
    publish_s: list[float]
    half_way_s: list[float]
    """from the camera to the dispatcher, and from there to a worker"""
    service: list[int]
    """which of the `SHARES` inferences it meets, from the quickest to the slowest"""
    answer_s: list[float]
    """from the worker back to the dispatcher"""
    store_s: list[float]
    """from the dispatcher to a sink's file"""
    answer: list[float]
    """0 … 1: which answer of its class"""


def lucks(profile: Profile, seed: int, camera: int) -> Iterator[Luck]:
    """Of all items of one lane, block after block, without end."""
    hops = profile.hops
    for block in count():
        words = np.random.SeedSequence([seed, camera, block, int(Purpose.TWIN)])
        draws = np.random.Generator(np.random.PCG64(words)).random((7, BLOCK_ITEMS))
        yield Luck(
            picture_s=_seconds(profile.picture_ms, draws[0]).tolist(),
            publish_s=_seconds(hops.trigger_to_publish_ms, draws[1]).tolist(),
            half_way_s=(_seconds(hops.publish_to_worker_ms, draws[2]) / 2).tolist(),
            service=(draws[3] * SHARES).astype(np.int64).tolist(),
            answer_s=_seconds(hops.worker_to_decision_ms, draws[4]).tolist(),
            store_s=(_seconds(hops.decision_to_acknowledged_ms, draws[5]) / 2).tolist(),
            answer=draws[6].tolist(),
        )


def _seconds(quantiles_ms: Quantiles, draws: _Draws) -> _Draws:
    shares = np.linspace(0.0, 1.0, len(quantiles_ms))
    return np.interp(draws, shares, quantiles_ms) / 1000


def duration_s(quantiles: Quantiles, draw: float) -> float:
    """The value at one share (0 … 1) of a quantile function, in its own unit."""
    shares = np.linspace(0.0, 1.0, len(quantiles))
    return float(np.interp(draw, shares, quantiles))
