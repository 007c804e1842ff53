"""What batches take, from some that were timed: who gains by them is given them by slack."""

from __future__ import annotations

from collections.abc import Mapping

from line.messages import MOST_BATCH, BatchTimes

LONGEST_BATCH_S = 0.1
"""A worker that is busy hears and says nothing, and a slow model gains little by batches."""
FEW = 4
"""Pictures of the batch that shows whether batches gain."""
_MOST_SHARE = 0.7
"""Of the time of as many pictures one by one: a batch that takes more is not worth its wait."""
_LEAST_SAVED_S = 1e-3
"""For each picture beyond the first: less than that is lost between dispatcher and worker. It is
also the least that `BatchTimes.base_s` may be."""


def gains(alone_s: float, few_s: float) -> bool:
    """Whether a batch of `FEW` pictures is worth it, where one by itself takes `alone_s`."""
    saved_s = FEW * alone_s - few_s
    return few_s <= _MOST_SHARE * FEW * alone_s and saved_s >= _LEAST_SAVED_S * (FEW - 1)


def fitted(times_s: Mapping[int, float], most: int = MOST_BATCH) -> BatchTimes | None:
    """The straight line through times by size of the batch, size 1 among them; None: no gain.

    Least squares of the relative error: a tenth too much is as bad for a small batch as for a
    large one. `most`: pictures that are taken at once.
    """
    if len(times_s) < 2 or min(times_s.values()) <= 0:
        return None
    base_s, picture_s = _line(times_s)
    if not gains(base_s + picture_s, base_s + FEW * picture_s):
        return None
    largest = min(most, MOST_BATCH, int((LONGEST_BATCH_S - base_s) / max(picture_s, 1e-9)))
    return BatchTimes(max(_LEAST_SAVED_S, base_s), picture_s, largest) if largest > 1 else None


def _line(times_s: Mapping[int, float]) -> tuple[float, float]:
    """Its height at no picture, and its slope; neither below 0."""
    weights = {size: 1 / time_s**2 for size, time_s in times_s.items()}
    total = sum(weights.values())
    mean_size = sum(weights[size] * size for size in times_s) / total
    mean_s = sum(weights[size] * time_s for size, time_s in times_s.items()) / total
    together = sum(
        weights[n] * (n - mean_size) * (time_s - mean_s) for n, time_s in times_s.items()
    )
    slope = max(0.0, together / sum(weights[n] * (n - mean_size) ** 2 for n in times_s))
    return max(0.0, mean_s - slope * mean_size), slope
