"""What chance decides of an item's way through the line: drawn for many items at once.

It depends on (seed, camera, sequence) alone, like the item itself, so that two lines that differ
in their workers meet the same chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.profile import Profile, Quantiles
from producers.randomness import Purpose

BLOCK_ITEMS = 1024
_Draws = NDArray[np.float64]


class RandomDraws(NamedTuple):
    """Of `BLOCK_ITEMS` items, one after the other. Durations in virtual seconds."""

    picture_s: list[float]
    sample: list[float]
    """0 … 1: which sample of its pace"""
    patience: list[float]
    """0 … 1: how slow its inference is if it had to wait for a worker"""
    store_s: list[float]
    """from the dispatcher to a sink's file"""
    answer: list[float]
    """0 … 1: which answer of its class"""


def random_draws(profile: Profile, seed: int, camera: int) -> Iterator[RandomDraws]:
    """Of all items of one lane, block after block, without end."""
    for block in count():
        words = np.random.SeedSequence([seed, camera, block, int(Purpose.TWIN)])
        draws = np.random.Generator(np.random.PCG64(words)).random((5, BLOCK_ITEMS))
        yield RandomDraws(
            picture_s=_seconds(profile.picture_ms, draws[0]).tolist(),
            sample=draws[1].tolist(),
            patience=draws[4].tolist(),
            store_s=(_seconds(profile.acknowledged_ms, draws[2]) / 2).tolist(),
            answer=draws[3].tolist(),
        )


def _seconds(quantiles_ms: Quantiles, draws: _Draws) -> _Draws:
    shares = np.linspace(0.0, 1.0, len(quantiles_ms))
    return np.interp(draws, shares, quantiles_ms) / 1000


def duration_s(quantiles: Quantiles, draw: float) -> float:
    """The value at one share (0 … 1) of a quantile function, in its own unit."""
    shares = np.linspace(0.0, 1.0, len(quantiles))
    return float(np.interp(draw, shares, quantiles))
