"""Scored labels of one pool, split at random: promises by one half, purity in the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from line.promise.label_file import ScoredLabel
from line.promise.threshold import choose

SEED = 28


@dataclass(frozen=True, slots=True)
class Splits:
    """Of one class and purity. `labels`: of the pool, taken for the class.

    `made`: splits in which a promise was made; of these on the average the share of the other half
    that reached the threshold, and in all of them together how many did, and were right. `below`:
    splits in which that share was below the promise; by chance alone some are.
    """

    name: str
    purity: float
    labels: int
    made: int
    coverage: float
    right: int
    reach: int
    below: int


def all_splits(
    labels: Sequence[ScoredLabel], purities: Sequence[float], splits: int
) -> Iterator[Splits]:
    """Every class that anything was taken for, at every purity."""
    for name in sorted({label.predicted_class for label in labels}):
        own = [label for label in labels if label.predicted_class == name]
        sure = np.array([label.confidence for label in own])
        right = np.array([label.is_right for label in own])
        for purity in purities:
            yield _of_class(name, sure, right, purity, splits)


def _of_class(
    name: str, sure: NDArray[np.float64], right: NDArray[np.bool_], purity: float, splits: int
) -> Splits:
    rng = np.random.default_rng(SEED)
    shares: list[float] = []
    reach = found_right = below = 0
    for _ in range(splits):
        is_known = rng.random(len(sure)) < 0.5
        found = choose(sure[is_known], right[is_known], purity)
        if found is None:
            continue
        inside = right[~is_known][sure[~is_known] >= found.threshold]
        shares.append(len(inside) / max(1, int((~is_known).sum())))
        reach += len(inside)
        found_right += int(inside.sum())
        below += bool(len(inside) and inside.mean() < purity)
    coverage = float(np.mean(shares)) if shares else 0.0
    return Splits(name, purity, len(sure), len(shares), coverage, found_right, reach, below)
