"""The strategies by name.

The three classic measures, compared in Settles, "Active Learning Literature Survey" (2009),
section 3.1. All take probabilities `[n, classes]`, two classes or more, and return `[n]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training.selection.coverage import (
    Candidates,
    Choice,
    Numbers,
    Strategy,
    coreset,
    kmeans,
    typiclust,
)

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


# How many times the wanted number margin_diverse lets through before it looks for variety.
SHORTLIST = 3


def random(candidates: Candidates, count: int, rng: np.random.Generator) -> Choice:
    """Every picture with the same chance; the score is the lot it drew, 0 … 1."""
    return _best(rng.random(len(candidates)), count)


def margin_diverse(candidates: Candidates, count: int, rng: np.random.Generator) -> Choice:
    """k-means, weighted by the margin, among the three times `count` smallest margins.

    Zhdanov, "Diverse mini-batch Active Learning" (2019). The score is that of `margin`.
    """
    scores = margin(_known(candidates))
    shortlist = np.array(_best(scores, min(SHORTLIST * count, len(candidates))).indices)
    nearer = Candidates(candidates.embeddings[shortlist], candidates.labelled)
    weights = np.maximum(scores[shortlist], 1e-6)
    chosen = shortlist[list(kmeans(nearer, count, rng, weights).indices)]
    ranked = chosen[np.argsort(-scores[chosen], kind="stable")]
    return Choice.of(ranked, scores[ranked])


def _by(measure: Callable[[Probabilities], Numbers]) -> Strategy:
    def strategy(candidates: Candidates, count: int, rng: np.random.Generator) -> Choice:
        return _best(measure(_known(candidates)), count)

    return strategy


STRATEGIES: Mapping[str, Strategy] = {
    "random": random,
    "least_confidence": _by(least_confidence),
    "margin": _by(margin),
    "entropy": _by(entropy),
    "margin_diverse": margin_diverse,
    "kmeans": kmeans,
    "typiclust": typiclust,
    "coreset": coreset,
}

NEED_PROBABILITIES = frozenset({"least_confidence", "margin", "entropy", "margin_diverse"})
"""Those that ask how sure the model is, so that it must know the classes."""

COLD_START = frozenset({"random", "kmeans", "typiclust"})
"""Those that can choose the first pictures of all; the others go on from some."""


def _best(scores: Numbers, count: int) -> Choice:
    """The `count` highest; of equals the first."""
    order = np.argsort(-scores, kind="stable")[:count]
    return Choice.of(order, scores[order])


def _known(candidates: Candidates) -> Probabilities:
    if candidates.probabilities is None:
        raise ValueError("this strategy needs probabilities")
    return candidates.probabilities
