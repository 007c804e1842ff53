"""Another machine's clock, learned by asking."""

from __future__ import annotations

import math
import random

import pytest

from line.process.remote_client import ClockOffset


def learned(ahead_s: float, trips: list[tuple[float, float]]) -> ClockOffset:
    """Questions that took `(out, back)` seconds each, to a clock that is `ahead_s` ahead."""
    offset, now = ClockOffset(), 1000.0
    for out, back in trips:
        offset.learn(now, now + out + ahead_s)
        now += out + back
    return offset


def test_nothing_is_known_before_the_first_reply() -> None:
    assert not ClockOffset().known
    assert learned(0.0, [(0.0, 0.0)]).known


@pytest.mark.parametrize("ahead_s", [0.0, 5e5, -5e5])
def test_an_immediate_reply_gives_the_offset(ahead_s: float) -> None:
    offset = learned(ahead_s, [(0.0, 0.0)])
    assert offset.theirs(2000.0) == pytest.approx(2000.0 + ahead_s)
    assert offset.ours(2000.0 + ahead_s) == pytest.approx(2000.0)


def test_whatever_the_delays_it_is_never_earlier_there_than_we_think() -> None:
    order = random.Random("delays")
    for _ in range(200):
        trips = [(order.expovariate(20), order.expovariate(20)) for _ in range(order.randint(1, 9))]
        offset = learned(7.0, trips)
        error = offset.theirs(2000.0) - 2007.0
        assert error == pytest.approx(min(out for out, _ in trips))


def test_the_quickest_question_of_late_counts() -> None:
    slow, quick = (2.0, 0.1), (0.001, 0.1)
    assert learned(7.0, [slow, quick, slow]).theirs(0.0) == pytest.approx(7.001)


def test_a_clock_that_drifts_is_followed() -> None:
    offset = ClockOffset()
    for second in range(1000):
        offset.learn(second, second - 1e-4 * second)  # theirs is 100 ppm slow
    assert offset.theirs(1000.0) == pytest.approx(1000.0 - 0.1, abs=1e-3)


def test_no_deadline_stays_none() -> None:
    assert learned(7.0, [(0.0, 0.0)]).ours(math.inf) == math.inf
