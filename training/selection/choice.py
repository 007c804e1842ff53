"""What a strategy is given, and what it answers."""

from __future__ import annotations

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
