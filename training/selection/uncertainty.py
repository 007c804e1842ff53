"""How unsure a classifier is of each picture: 0 where it is certain, larger where it is not.

The three classic measures, compared in Settles, "Active Learning Literature Survey" (2009),
section 3.1. All take probabilities `[n, classes]`, two classes or more, and return `[n]`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.selection.choice import Numbers

Probabilities = NDArray[np.floating]


def least_confidence(probabilities: Probabilities) -> Numbers:
    """1 − the best probability."""
    return np.asarray(1.0 - probabilities.max(axis=1), dtype=np.float64)


def margin(probabilities: Probabilities) -> Numbers:
    """1 − (the best − the second best probability)."""
    second, best = np.sort(probabilities.astype(np.float64), axis=1)[:, -2:].T
    return np.asarray(1.0 - (best - second))


def entropy(probabilities: Probabilities) -> Numbers:
    """−Σ p·ln p, nats."""
    p = probabilities.astype(np.float64)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1))
