"""Strategies: arrays small enough to know the answer by hand."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer needs scikit-learn")

from training.selection.coverage import (
    Candidates,
    Vectors,
    coreset,
    distances,
    kmeans,
    typiclust,
    unit_rows,
)
from training.selection.options import StrategyName
from training.selection.strategies import (
    NEED_PROBABILITIES,
    STRATEGIES,
    entropy,
    least_confidence,
    margin,
)

# sure; torn between two; torn between three; a weak favourite
P = np.array([[0.98, 0.01, 0.01], [0.5, 0.5, 0.0], [0.36, 0.32, 0.32], [0.6, 0.25, 0.15]])
NONE = np.zeros((0, 2), dtype=np.float32)


def at(*degrees: float) -> Vectors:
    """Points on the unit circle `[n, 2]`."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_measures_by_hand() -> None:
    np.testing.assert_allclose(least_confidence(P), [0.02, 0.5, 0.64, 0.4])
    np.testing.assert_allclose(margin(P), [0.03, 1.0, 0.96, 0.65])
    assert entropy(P)[1] == pytest.approx(np.log(2))
    np.testing.assert_allclose(entropy(np.full((1, 4), 0.25)), [np.log(4)])
    np.testing.assert_allclose(entropy(np.array([[1.0, 0.0]])), [0.0])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("least_confidence", (2, 1, 3)), ("margin", (1, 2, 3)), ("entropy", (2, 3, 1))],
)
def test_most_uncertain_come_first(name: str, wanted: tuple[int, ...]) -> None:
    choice = STRATEGIES[name](Candidates(at(0, 1, 2, 3), NONE, P), 3, rng())
    assert choice.indices == wanted
    assert list(choice.scores) == sorted(choice.scores, reverse=True)


def test_equals_keep_their_order() -> None:
    even = np.full((5, 2), 0.5)
    assert STRATEGIES["margin"](Candidates(at(*range(5)), NONE, even), 3, rng()).indices == (
        0,
        1,
        2,
    )


def test_coreset_takes_the_farthest_each_time() -> None:
    choice = coreset(Candidates(at(10, 90, 105, 180, 185), at(0)), 3, rng())
    # 180 is opposite to 0, 90 lies between the two, and 105 is farther from 90 than 10 from 0.
    assert choice.indices == (3, 1, 2)
    assert choice.scores[0] == pytest.approx(2.0, abs=1e-3)
    assert choice.scores[1] == pytest.approx(np.sqrt(2), abs=1e-3)


def test_coreset_begins_in_the_middle() -> None:
    assert coreset(Candidates(at(0, 40, 90), NONE), 2, rng()).indices == (1, 2)


def test_kmeans_takes_the_middle_of_each_group() -> None:
    groups = at(0, 5, 10, 90, 95, 100, 105, 110, 200, 203, 206)
    choice = kmeans(Candidates(groups, NONE), 3, rng())
    assert sorted(choice.indices) == [1, 5, 9]
    assert choice.indices[0] == 5
    assert sorted(choice.scores) == [3, 3, 5]


def test_typiclust_avoids_what_is_labelled_and_what_is_alone() -> None:
    large, small = range(0, 20, 2), range(120, 132, 2)
    pool = at(*large, *small, 250)
    first = typiclust(Candidates(pool, NONE), 2, rng())
    assert {i // 10 for i in first.indices} <= {0, 1}
    covered = Candidates(pool, at(9))
    [only] = typiclust(covered, 1, rng()).indices
    assert 10 <= only < 16


def test_margin_diverse_spreads_over_what_is_uncertain() -> None:
    # Six copies of the most uncertain picture, and six others a little less so.
    vectors = at(*[30] * 6, 80, 81, 82, 200, 201, 202, 300)
    p = np.array([[0.5, 0.5]] * 6 + [[0.52, 0.48]] * 6 + [[1.0, 0.0]])
    choice = STRATEGIES["margin_diverse"](Candidates(vectors, NONE, p), 4, rng())
    assert 12 not in choice.indices
    assert sum(i < 6 for i in choice.indices) < 4
    assert STRATEGIES["margin"](Candidates(vectors, NONE, p), 4, rng()).indices == (0, 1, 2, 3)


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_gives_as_many_as_asked(name: str, copies: int) -> None:
    vectors = unit_rows(np.repeat(np.random.default_rng(0).normal(size=(6, 3)), copies, axis=0))
    p = np.random.default_rng(1).dirichlet(np.ones(3), size=len(vectors))
    for labelled in (vectors[:0], vectors[:2]):
        candidates = Candidates(vectors, labelled, p)
        for count in (1, 4, len(vectors)):
            choice = STRATEGIES[name](candidates, count, rng())
            assert len(set(choice.indices)) == len(choice.scores) == count
            assert set(choice.indices) <= set(range(len(vectors)))
            assert choice == STRATEGIES[name](candidates, count, rng())


def test_distances_are_euclidean() -> None:
    some, others = at(0, 90), at(0, 180)
    expected = [[0, 2], [np.sqrt(2), np.sqrt(2)]]
    np.testing.assert_allclose(distances(some, others), expected, atol=1e-3)


def test_settings_know_every_strategy() -> None:
    assert set(get_args(StrategyName)) == set(STRATEGIES)
    for name in NEED_PROBABILITIES:
        with pytest.raises(ValueError, match="needs probabilities"):
            STRATEGIES[name](Candidates(at(0, 1), NONE), 1, rng())
