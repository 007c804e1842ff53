"""A labelling campaign played through: choose, look up the label, train the head, judge it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from training.metrics import Confusion
from training.selection.coverage import Candidates, Indices, Numbers, Vectors
from training.selection.strategies import COLD_START, STRATEGIES

Head = Callable[[Vectors], Numbers]
"""Embeddings `[n, features]` → probabilities `[n, classes]`."""

MOST_STEPS = 500


def fit_head(embeddings: Vectors, labels: Indices, classes: int, inverse_penalty: float) -> Head:
    """Fit by L-BFGS, which draws nothing at random: the same labels give the same head.

    A class without a label gets probability 0; `inverse_penalty` is scikit-learn's C.
    """
    present = np.unique(labels)
    if len(present) == 1:
        return lambda vectors: _spread(np.ones((len(vectors), 1)), present, classes)
    fitted = LogisticRegression(C=inverse_penalty, max_iter=MOST_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        # A head that stops a little short of its optimum is judged as it is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(embeddings, labels)
    return lambda vectors: _spread(fitted.predict_proba(vectors), present, classes)


def _spread(probabilities: Numbers, present: Indices, classes: int) -> Numbers:
    everywhere = np.zeros((len(probabilities), classes))
    everywhere[:, present] = probabilities
    return everywhere


@dataclass(frozen=True)
class Bench:
    """Embedded pictures with the labels that a person would give: rows of length 1 and `[n]`."""

    classes: tuple[str, ...]
    train: Vectors
    train_labels: Indices
    val: Vectors
    val_labels: Indices


@dataclass(frozen=True)
class Plan:
    """How campaigns go.

    `budgets` are the labels after each round, rising. `start` is the strategy of the first round
    for those that go on from a trained head or from labelled pictures, since there are none yet.
    """

    budgets: tuple[int, ...]
    start: str
    inverse_penalty: float


@dataclass(frozen=True)
class Point:
    """What a head was worth on val with so many labels."""

    labels: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Campaign:
    """One strategy with one seed: a point per budget, and the pictures in order of labelling."""

    points: tuple[Point, ...]
    chosen: tuple[int, ...]


def play(bench: Bench, plan: Plan, strategy: str, seed: int) -> Campaign:
    """Label by `strategy` up to the last budget. The same for the same seed.

    Strategies that start at random start with the same pictures for the same seed, those that
    `random` starts with.
    """
    points: list[Point] = []
    chosen: list[int] = []
    probabilities = None
    for number, budget in enumerate(plan.budgets):
        name = strategy if number or strategy in COLD_START else plan.start
        left = np.setdiff1d(np.arange(len(bench.train)), chosen)
        candidates = Candidates(
            bench.train[left],
            bench.train[chosen],
            None if probabilities is None else probabilities[left],
        )
        rng = np.random.default_rng([seed, number])
        choice = STRATEGIES[name](candidates, budget - len(chosen), rng)
        chosen += [int(left[i]) for i in choice.indices]
        point, probabilities = _train(bench, np.array(chosen), plan.inverse_penalty)
        points.append(point)
    return Campaign(tuple(points), tuple(chosen))


def with_all_labels(bench: Bench, inverse_penalty: float) -> Point:
    """The reference: a head trained on everything there is."""
    return _train(bench, np.arange(len(bench.train)), inverse_penalty)[0]


def budgets(first: int, step: int, rounds: int, pictures: int) -> Iterator[int]:
    """`first`, then `step` more for each of `rounds`, none above the number of pictures."""
    return (b for b in range(first, first + step * rounds + 1, step) if b <= pictures)


def _train(bench: Bench, chosen: Indices, inverse_penalty: float) -> tuple[Point, Vectors]:
    head = fit_head(
        bench.train[chosen], bench.train_labels[chosen], len(bench.classes), inverse_penalty
    )
    predicted = head(bench.val).argmax(axis=1)
    confusion = Confusion.of(bench.classes, bench.val_labels, predicted)
    point = Point(len(chosen), confusion.accuracy, confusion.macro_f1)
    return point, head(bench.train).astype(np.float32)
