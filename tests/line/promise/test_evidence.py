"""Labels that come in against a promise: false alarms, and how soon a true one comes."""

from __future__ import annotations

import numpy as np
import pytest

from line.promise.evidence import FALSE_ALARM, Evidence

RUNS = 400


def broken_after(purity: float, true_purity: float, labels: int, seed: int) -> int | None:
    """Labels until the promise is said not to hold."""
    evidence = Evidence(purity)
    for number, right in enumerate(np.random.default_rng(seed).random(labels) < true_purity, 1):
        evidence.add(right=bool(right))
        if evidence.is_broken:
            return number
    return None


@pytest.mark.parametrize("purity", [0.5, 0.9, 0.98])
def test_a_promise_that_just_holds_is_seldom_called_broken_however_often_one_looks(
    purity: float,
) -> None:
    alarms = sum(broken_after(purity, purity, 1000, seed) is not None for seed in range(RUNS))
    assert alarms <= RUNS * FALSE_ALARM + 3 * (RUNS * FALSE_ALARM) ** 0.5


def test_a_promise_that_is_broken_is_found_soon() -> None:
    found = [broken_after(0.98, 0.9, 400, seed) for seed in range(100)]
    soon = [after for after in found if after is not None]
    assert len(soon) >= 95
    assert np.median(soon) < 150


def test_it_stays_broken_and_counts_on() -> None:
    evidence = Evidence(0.98)
    for right in [False] * 5 + [True] * 2000:
        evidence.add(right=right)
    assert evidence.is_broken
    assert (evidence.wrong, evidence.labelled) == (5, 2005)
    assert evidence.gain < 1
    many = Evidence(0.999999, right=10**9, wrong=10**6)
    assert many.gain > 1 / FALSE_ALARM
