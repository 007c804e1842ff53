"""A labelling campaign played through: choose, look up the label, train the head, judge it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.metrics import Confusion
from training.selection.choice import Candidates, Indices, Vectors
from training.selection.head import fit_head
from training.selection.strategies import COLD_START, STRATEGIES


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
