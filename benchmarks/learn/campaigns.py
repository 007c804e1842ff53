"""Labels chosen in turn, and how right the model is with them on items that nobody could choose.

A third of the belt's photographs, drawn by lot, is put aside to judge by; labels are chosen among
the others. Each round sees what the model has learnt in the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax  # type: ignore[import-untyped]

from training.evaluate.answers import Floats, Ints
from training.refit.head import Seen, fit
from training.selection.coverage import Candidates, unit_rows
from training.selection.strategies import STRATEGIES

PUT_ASIDE = 1 / 3
RANDOM_SHARE = 0.2
MIXED = "margin, novelty, random"
WAYS = ("random", "margin", "margin_diverse", MIXED)
INVERSE_PENALTY = 10.0
"""As `refit` has it."""


@dataclass(frozen=True)
class Point:
    """`accuracy` on the items put aside after so many labels; 0 labels: as the model was."""

    way: str
    labels: int
    seed: int
    accuracy: float


def campaign(
    seen: Seen,
    photographs: NDArray[np.str_],
    old: Seen | None,
    way: str,
    budgets: tuple[int, ...],
    seed: int,
) -> Iterator[Point]:
    """The points of one way to choose. The same photographs are put aside for the same seed."""
    own = seen.first(len(photographs))
    aside = put_aside(photographs, seed)
    pool, chosen = np.flatnonzero(~aside), np.empty(0, np.int64)
    logits = own.logits
    yield Point(way, 0, seed, _accuracy(logits[aside], own.labels[aside]))
    for budget in budgets:
        rng = np.random.default_rng([seed, budget])
        now = Round(own, logits, np.setdiff1d(pool, chosen), chosen, rng)
        more = now.choose(way, budget - len(chosen))
        chosen = np.concatenate([chosen, more])
        is_labelled = np.isin(np.arange(len(photographs)), chosen)
        labelled = seen.part(np.tile(is_labelled, len(seen.labels) // len(photographs)))
        learnt = labelled if old is None else labelled.and_also(old)
        logits = fit(learnt, INVERSE_PENALTY).logits(own)
        yield Point(way, budget, seed, _accuracy(logits[aside], own.labels[aside]))


def put_aside(photographs: NDArray[np.str_], seed: int) -> NDArray[np.bool_]:
    """Items of a third of the photographs: no two of one photograph are on both sides."""
    names = np.unique(photographs)
    drawn = np.random.default_rng(seed).permutation(names)[: round(PUT_ASIDE * len(names))]
    return np.isin(photographs, drawn)


@dataclass(frozen=True)
class Round:
    """What one round chooses from: items by number, those `left` and those `chosen` before.

    `logits`: what the model says of every item after the round before.
    """

    seen: Seen
    logits: Floats
    left: Ints
    chosen: Ints
    rng: np.random.Generator

    def choose(self, way: str, count: int) -> Ints:
        """`count` of the items left."""
        if way != MIXED:
            return self._by(way, count)
        by_lot = self.rng.permutation(self.left)[: round(RANDOM_SHARE * count)]
        others = self._without(by_lot)
        novel = others._by("coreset", (count - len(by_lot)) // 2)
        rest = count - len(by_lot) - len(novel)
        doubtful = others._without(novel)._by("margin", rest)
        return np.concatenate([by_lot, novel, doubtful])

    def _without(self, taken: Ints) -> Round:
        return replace(self, left=np.setdiff1d(self.left, taken))

    def _by(self, strategy: str, count: int) -> Ints:
        embeddings, logits = unit_rows(self.seen.embedding), self.logits[self.left]
        probabilities = softmax(logits, axis=1)
        candidates = Candidates(embeddings[self.left], embeddings[self.chosen], probabilities)
        return self.left[list(STRATEGIES[strategy](candidates, count, self.rng).indices)]


def _accuracy(logits: Floats, labels: Ints) -> float:
    return float((logits.argmax(axis=1) == labels).mean())
