"""Choosing by geometry alone: pictures that stand for many others, or for none seen so far.

Distances are Euclidean between rows of length 1: 0 … 2.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # [n, features]
Numbers = NDArray[np.float64]  # [n]
Indices = NDArray[np.int64]  # [n]


@dataclass(frozen=True)
class Candidates:
    """Unlabelled pictures as a model sees them.

    `embeddings` `[n, features]` and `labelled` `[m, features]`, those of the pictures that have a
    label already, are rows of length 1. `probabilities` `[n, classes]` is None where the model
    does not know the classes.
    """

    embeddings: Vectors
    labelled: Vectors
    probabilities: NDArray[np.floating] | None = None

    def __len__(self) -> int:
        return len(self.embeddings)


@dataclass(frozen=True)
class Choice:
    """Indices of the chosen candidates, the most wanted first, and why: a score for each."""

    indices: tuple[int, ...]
    scores: tuple[float, ...]

    @classmethod
    def of(cls, indices: Sequence[int] | Indices, scores: Sequence[float] | Numbers) -> Choice:
        """From arrays `[count]` and `[count]`."""
        return cls(tuple(int(i) for i in indices), tuple(float(s) for s in scores))


Strategy = Callable[[Candidates, int, np.random.Generator], Choice]
"""`(candidates, count, rng)` → exactly `count` different candidates; 1 ≤ count ≤ len."""


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Rows `[n, features]` scaled to length 1, so that distance means angle; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


FARTHEST = 2.0
MOST_CLUSTERS = 500
FEWEST_MEMBERS = 5
NEIGHBOURS = 20


def coreset(candidates: Candidates, count: int, rng: np.random.Generator) -> Choice:
    """Greedy k-center: each next one is the farthest from all that is labelled or chosen.

    Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach"
    (2018), algorithm 1. The score is that distance. Where nothing is labelled the first one is
    the picture nearest to the mean.
    """
    pool, labelled = candidates.embeddings, candidates.labelled
    gap = distances(pool, labelled).min(axis=1) if len(labelled) else np.full(len(pool), FARTHEST)
    central = int(distances(pool, pool.mean(axis=0, keepdims=True)).argmin())
    chosen: list[int] = []
    scores: list[float] = []
    for _ in range(count):
        index = int(gap.argmax()) if len(labelled) or chosen else central
        chosen.append(index)
        scores.append(float(gap[index]))
        gap = np.minimum(gap, distances(pool, pool[[index]])[:, 0])
        # Copies of a picture have no distance left between them; still none is taken twice.
        gap[chosen] = -1.0
    return Choice.of(chosen, scores)


def kmeans(
    candidates: Candidates,
    count: int,
    rng: np.random.Generator,
    weights: Numbers | None = None,
) -> Choice:
    """Group the candidates in `count` clusters and take the one nearest to each centre.

    The score is how many candidates the cluster holds. `weights` `[n]` draw the centres to some
    candidates more than to others: Zhdanov, "Diverse mini-batch Active Learning" (2019).
    """
    pool = candidates.embeddings
    clusters, centres = cluster(pool, count, rng, weights)
    sizes = np.bincount(clusters, minlength=count)
    to_own = np.linalg.norm(pool - centres[clusters], axis=1)
    chosen = [
        int(members[to_own[members].argmin()])
        for c in np.argsort(-sizes, kind="stable")
        if len(members := np.flatnonzero(clusters == c))
    ]
    scores = [float(sizes[clusters[i]]) for i in chosen]
    # Copies of a picture share a cluster, which leaves others empty: any others fill the places.
    left = np.setdiff1d(np.arange(len(pool)), chosen)[: count - len(chosen)]
    return Choice.of([*chosen, *left], [*scores, *[0.0] * len(left)])


def typiclust(candidates: Candidates, count: int, rng: np.random.Generator) -> Choice:
    """The most typical picture of each of the largest clusters without a label.

    Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and
    Low Budgets" (2022), with their constants: as many clusters as there will be labels, 500 at
    most; clusters of fewer than 5 come last. The score is the typicality, 1 ÷ mean distance to
    the 20 nearest of the same cluster.
    """
    pool, done = candidates.embeddings, len(candidates.labelled)
    everything = np.concatenate([candidates.labelled, pool])
    groups = min(done + count, MOST_CLUSTERS, len(everything))
    clusters, _ = cluster(everything, groups, rng)
    covered = np.bincount(clusters[:done], minlength=groups)
    own = clusters[done:]
    left = {c: np.flatnonzero(own == c) for c in range(groups) if (own == c).any()}
    chosen: list[int] = []
    scores: list[float] = []
    while len(chosen) < count:
        c = min(left, key=lambda c: (covered[c], len(left[c]) < FEWEST_MEMBERS, -len(left[c]), c))
        typical = typicality(pool[left[c]])
        best = int(typical.argmax())
        chosen.append(int(left[c][best]))
        scores.append(float(typical[best]))
        covered[c] += 1
        left[c] = np.delete(left[c], best)
        if not len(left[c]):
            del left[c]
    return Choice.of(chosen, scores)


def typicality(vectors: Vectors) -> Numbers:
    """1 ÷ mean distance of each row `[n, features]` to its 20 nearest others; 0 for a loner."""
    others = min(NEIGHBOURS, len(vectors) - 1)
    if others == 0:
        return np.zeros(1)
    nearest = np.sort(distances(vectors, vectors), axis=1)[:, 1 : others + 1]
    return np.asarray(1.0 / np.maximum(nearest.mean(axis=1), 1e-6))


def distances(some: Vectors, others: Vectors) -> Numbers:
    """Euclidean distances `[n, m]` between rows, exact to about 0.001 for rows of length 1."""
    squares = np.square(some).sum(axis=1)[:, None] + np.square(others).sum(axis=1)[None]
    return np.asarray(np.sqrt(np.maximum(squares - 2 * (some @ others.T), 0.0)), dtype=np.float64)


def cluster(
    vectors: Vectors, groups: int, rng: np.random.Generator, weights: Numbers | None = None
) -> tuple[Indices, Vectors]:
    """k-means once: the cluster of each row `[n]`, and the centres `[groups, features]`."""
    # Imported late: scikit-learn takes a second, and bad input is refused before.
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]

    seed = int(rng.integers(2**31))
    found = KMeans(groups, n_init=1, max_iter=50, random_state=seed)
    with warnings.catch_warnings():
        # Fewer different pictures than clusters: the callers can do with empty ones.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found.fit(vectors, sample_weight=weights)
    return found.labels_.astype(np.int64), found.cluster_centers_.astype(np.float32)
