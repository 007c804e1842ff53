from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.belt_time import Clock


def test_belt_time_passes_as_many_times_faster_as_the_speed_says():
    clock = Clock(start=100.0, speed=4.0)

    assert clock.is_paced
    assert clock.belt(101.0) == 4.0
    assert clock.wall(8.0) == 102.0
    assert clock.deadline(8.0) == 102.0


def test_before_the_start_belt_time_is_negative_and_nothing_is_due():
    assert Clock(start=100.0, speed=2.0).belt(99.0) == -2.0


@given(
    start=st.floats(0, 1e6),
    speed=st.floats(0.01, 1000),
    belt_s=st.floats(0, 1e5),
)
def test_wall_and_belt_time_are_inverse_to_each_other(start, speed, belt_s):
    clock = Clock(start, speed)

    assert clock.belt(clock.wall(belt_s)) == pytest.approx(belt_s, abs=1e-6 * speed)


@pytest.mark.parametrize("belt_s", [0.0, 1.0, 1e9])
def test_on_the_max_clock_everything_is_due_at_once_and_no_deadline_comes(belt_s):
    clock = Clock(start=100.0, speed=math.inf)

    assert not clock.is_paced
    assert clock.wall(belt_s) == 100.0
    assert clock.deadline(belt_s) == math.inf
