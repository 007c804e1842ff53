"""Exact binomial bounds, against sums of fractions and figures that stand in tables."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from line.promise.bound import at_most, labels_needed, purity_at_least


def exactly(wrong: int, of: int, rate: Fraction) -> float:
    each = (comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(wrong + 1))
    return float(sum(each, Fraction(0)))


@pytest.mark.parametrize("of", [1, 7, 60, 400])
@pytest.mark.parametrize("rate", [Fraction(1, 100), Fraction(1, 20), Fraction(3, 10)])
def test_a_chance_is_that_of_the_binomial_distribution(of: int, rate: Fraction) -> None:
    few = [wrong for wrong in range(of + 1) if wrong < rate * of]
    chances = at_most(few, of, float(rate))
    assert chances.tolist() == pytest.approx([exactly(wrong, of, rate) for wrong in few], rel=1e-9)


def test_more_wrong_ones_than_expected_refute_nothing() -> None:
    assert at_most([5, 50, 100], 100, 0.05).tolist() == [1, 1, 1]
    assert exactly(5, 100, Fraction(1, 20)) > 0.5


def test_a_hundred_thousand_labels_are_counted_without_underflow() -> None:
    chances = at_most([4700, 4900, 4999], 100_000, 0.05)
    assert 0 < chances[0] < 1e-5 < chances[1] < 0.1 < chances[2] < 0.6


@pytest.mark.parametrize(("purity", "labels"), [(0.99, 299), (0.98, 149), (0.95, 59)])
def test_the_labels_that_are_needed_without_an_error(purity: float, labels: int) -> None:
    assert labels_needed(purity) == labels
    assert purity**labels <= 0.05 < purity ** (labels - 1)


@pytest.mark.parametrize("wrong", [1, 3, 20])
def test_the_fewest_labels_that_are_enough_with_some_wrong(wrong: int) -> None:
    needed = labels_needed(0.9, wrong)
    assert exactly(wrong, needed, Fraction(1, 10)) <= 0.05
    assert exactly(wrong, needed - 1, Fraction(1, 10)) > 0.05


def test_the_lower_bound_is_that_of_clopper_and_pearson() -> None:
    assert purity_at_least(300, 300) == pytest.approx(0.05 ** (1 / 300))
    assert purity_at_least(0, 20) == 0
    bound = purity_at_least(290, 300)
    assert exactly(10, 300, 1 - Fraction(bound)) == pytest.approx(0.05)


def test_the_bound_holds_for_labels_of_a_known_purity() -> None:
    right = np.random.default_rng(28).binomial(120, 0.93, size=2000)
    bounds = {int(n): purity_at_least(int(n), 120) for n in np.unique(right)}
    missed = sum(bounds[int(n)] > 0.93 for n in right)
    assert missed <= 2000 * 0.05 + 3 * (2000 * 0.05 * 0.95) ** 0.5
