"""What one future run will show, from what the virtual ones did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

LEVEL = 0.9
"""Of future runs: so many lie within the interval."""
_T90 = (
    *(6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833),
    *(1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.74),
)
"""Student's t for 90 %, two-sided, by degrees of freedom from 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of the draws, and between what the next run lies with 90 % probability."""

    mean: float
    low: float
    high: float


def estimate(draws: Sequence[float], most: float = math.inf) -> Estimate:
    """Of one more run like those drawn; nothing is below 0 or above `most`.

    The k-th smallest and the k-th largest of n draws hold the next one with probability
    1 - 2k / (n + 1), whatever their distribution: 19 and 99 draws hit 90 % exactly. With fewer it
    is Student's prediction interval; a single draw says nothing of the next.
    """
    count, mean = len(draws), fmean(draws)
    if count == 1:
        return Estimate(mean, 0.0, most)
    if count <= len(_T90):
        half = _T90[count - 2] * stdev(draws) * math.sqrt(1 + 1 / count)
        return Estimate(mean, max(0.0, mean - half), min(most, mean + half))
    ordered = sorted(draws)
    place = max(1, int((count + 1) * (1 - LEVEL) / 2 + 1e-9))
    return Estimate(mean, ordered[place - 1], ordered[-place])
