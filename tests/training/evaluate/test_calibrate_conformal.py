"""Conformal sets: the rank in exact numbers, what the counts support, the promise kept."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from scipy.special import softmax

from training.calibrate.conformal import ConformalSets, choose_kind, pictures_needed, rank
from training.errors import BadInput


def test_rank_is_exact() -> None:
    assert rank(9, 0.9) == 9
    assert rank(10, 0.9) == 10  # ⌈9.9⌉
    assert rank(99, 0.07) == 7  # 100 * 0.07 is 7.000000000000001 in floating point


@pytest.mark.parametrize(
    ("level", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)]
)
def test_pictures_needed(level: float, needed: int) -> None:
    assert pictures_needed(level) == needed
    assert rank(needed, level) <= needed
    assert rank(needed - 1, level) > needed - 1


def test_kind_follows_the_counts() -> None:
    assert choose_kind("auto", 0.9, ("a", "b"), (9, 9)) == "class"
    assert choose_kind("auto", 0.9, ("a", "b"), (9, 8)) == "marginal"
    assert choose_kind("marginal", 0.9, ("a", "b"), (9, 9)) == "marginal"
    with pytest.raises(BadInput, match="needs 9 pictures of each class; there are too few of b 8"):
        choose_kind("class", 0.9, ("a", "b"), (9, 8))
    with pytest.raises(BadInput, match=r"--coverage 0\.95: needs 19 pictures in all, there are 17"):
        choose_kind("auto", 0.95, ("a", "b"), (9, 8))


def of_true(values: list[float]) -> np.ndarray:
    return np.array([[p, 1 - p] for p in values])


def test_least_probability_by_hand() -> None:
    # Four pictures at level 0.6: k = ⌈5 · 0.6⌉ = 3, the third highest is 0.7.
    probabilities = of_true([0.9, 0.6, 0.7, 0.8])
    found = ConformalSets.fit("marginal", 0.6, ("a", "b"), probabilities, np.zeros(4, int))
    assert found.least.tolist() == [0.7, 0.7]
    assert found.pictures == (4, 0)
    members = found.sets(of_true([0.7, 0.69, 0.2]))
    assert members.tolist() == [[True, False], [False, False], [False, True]]


def test_each_class_has_its_own() -> None:
    probabilities = of_true([0.9, 0.8, 0.4, 0.3])
    labels = np.array([0, 0, 1, 1])
    found = ConformalSets.fit("class", 0.5, ("a", "b"), probabilities, labels)
    # k = ⌈3 · 0.5⌉ = 2 of each: 0.8 of a, and of b 0.6, since it has 0.6 and 0.7.
    assert found.least.tolist() == pytest.approx([0.8, 0.6])


@pytest.mark.parametrize("kind", ["class", "marginal"])
def test_new_pictures_are_covered_as_promised(kind: str) -> None:
    """Mean over many draws, for each class where that is promised; a class is rare and hard."""
    rng = np.random.default_rng(7)
    held: dict[int, list[bool]] = {0: [], 1: []}
    for _ in range(300):
        probabilities, labels = draw(rng, 60)
        found = ConformalSets.fit(
            "class" if kind == "class" else "marginal", 0.8, ("a", "b"), probabilities, labels
        )
        new, truth = draw(rng, 40)
        members = found.sets(new)[np.arange(len(truth)), truth]
        for label in held:
            held[label] += members[truth == label].tolist()
    everything = np.mean(held[0] + held[1])
    assert 0.79 < everything < 0.86
    by_class = [float(np.mean(held[label])) for label in held]
    assert (min(by_class) > 0.79) == (kind == "class")


def draw(rng: np.random.Generator, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    labels = (np.arange(pictures) % 5 == 0).astype(int)
    middle = np.where(labels[:, None] == 1, [0.0, 0.0], [2.0, 0.0])
    return softmax(middle + rng.normal(0, 1, (pictures, 2)), axis=1), labels
