"""The threshold of a promise, on scores whose true purity is known at every threshold.

The share of draws of labels in which the true purity is below the promise is counted: it may be
5 %, and by chance looks like 7.6 % in one of 5,000 such counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from line.promise.bound import at_most
from line.promise.threshold import choose, next_start, threshold_of

Floats = NDArray[np.float64]
DRAWS, MOST = 1000, 76
"""With a share of 5 %, more than `MOST` of so many draws fail with probability 0.0002."""
LABELS = 400
RISKS: dict[str, Callable[[Floats], Floats]] = {
    "falls to none": lambda sure: 0.5 * (1 - sure) ** 1.3,
    "never falls to none": lambda sure: 0.004 + 0.2 * (1 - sure),
    "jumps": lambda sure: np.where(sure > 0.9, 0.002, 0.2),
    "always a little too high": lambda sure: np.full_like(sure, 0.051),
}
_POPULATION = np.sort(np.random.default_rng(1).beta(6, 1, 200_000))[::-1]


def draw(
    rng: np.random.Generator, risk: Callable[[Floats], Floats]
) -> tuple[Floats, NDArray[np.bool_]]:
    sure = np.round(rng.beta(6, 1, LABELS), 5)
    return sure, rng.random(LABELS) >= risk(sure)


def true_purity(risk: Callable[[Floats], Floats]) -> Callable[[float], float]:
    """Of all that reaches a threshold, from the population itself."""
    purity = 1 - np.cumsum(risk(_POPULATION)) / np.arange(1, len(_POPULATION) + 1)

    def at(threshold: float) -> float:
        reach = int(np.searchsorted(-_POPULATION, -threshold, side="right"))
        return float(purity[max(reach, 1) - 1])

    return at


@pytest.mark.parametrize("name", RISKS)
def test_a_promise_fails_for_five_sets_of_labels_in_a_hundred_at_most(name: str) -> None:
    rng, at = np.random.default_rng(28), true_purity(RISKS[name])
    chosen = [choose(*draw(rng, RISKS[name]), 0.95) for _ in range(DRAWS)]
    failed = sum(each is not None and at(each.threshold) < 0.95 for each in chosen)
    assert failed <= MOST
    made = sum(each is not None for each in chosen)
    assert (made < 100) == (name == "always a little too high"), "or it would be no use"


def test_the_best_of_all_thresholds_by_its_own_bound_breaks_far_more_promises() -> None:
    """What the sequence is for: without it the count above is much too high."""
    risk = RISKS["always a little too high"]
    rng = np.random.default_rng(28)
    failed = 0
    for _ in range(DRAWS):
        sure, right = draw(rng, risk)
        wrong = np.cumsum(~right[np.argsort(-sure)])
        failed += bool((at_most(wrong, np.arange(1, LABELS + 1), 0.05) <= 0.05).any())
    assert failed > 1.5 * MOST


def test_the_same_confidence_counts_together_and_its_rounding_passes() -> None:
    sure = np.array([1.0] * 60 + [0.7])
    found = choose(sure, np.ones(61, np.bool_), 0.95)
    assert found is not None
    assert (found.threshold, found.reach, found.wrong) == (0.699995, 61, 0)
    right = np.array([True] * 59 + [False, True])
    assert choose(sure, right, 0.95) is None, "nobody can tell which of the sixty is wrong"
    assert threshold_of(1.0) < 0.999996 < 1.0
    assert threshold_of(0.0) == 0


@pytest.mark.parametrize("labels", [0, 1, 58])
def test_too_few_labels_choose_nothing(labels: int) -> None:
    assert choose(np.ones(labels), np.ones(labels, np.bool_), 0.95) is None


def test_the_lowest_threshold_that_is_shown_is_chosen() -> None:
    sure = np.linspace(1.0, 0.5, 300)
    right = np.ones(300, np.bool_)
    right[200:] = False
    found = choose(sure, right, 0.95)
    assert found is not None
    assert found.reach == 204, "at a half of the doubt, four of these may be wrong"
    assert at_most(4, 204, 0.05) <= 0.025 < at_most(5, 205, 0.05)


def test_a_refusal_names_a_number_of_labels_that_is_enough() -> None:
    """One sure label is wrong: 149 are not enough for 0.98 then, nor is any number below the next
    that has a sequence of its own."""
    sure = np.linspace(1.0, 0.9, 600)
    right = np.ones(600, np.bool_)
    right[0] = False
    more = next_start(1, 0.98)
    assert more is not None
    assert choose(sure[: more.labels - 1], right[: more.labels - 1], 0.98) is None
    right[1 : more.wrong] = False
    assert choose(sure[: more.labels], right[: more.labels], 0.98) is not None
