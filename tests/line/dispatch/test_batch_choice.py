"""Which frames are a batch: a batch of n takes 8 + n, whatever the unit; a single frame 9."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.dispatch.batch_choice import Choice, Pace, next_batch

PACE = Pace(base_s=8.0, picture_s=1.0, alone_s=9.0, most=16)


@pytest.mark.parametrize(
    ("deadlines", "choice"),
    [
        ([100.0], Choice(0, 1)),
        ([100.0] * 5, Choice(0, 5)),
        ([100.0] * 20, Choice(0, 16)),
        ([12.0] * 4, Choice(0, 4)),
        ([11.9] * 3, Choice(0, 3)),
        ([9.0, 18.0, 27.0], Choice(0, 1)),  # one by one, and none is too late
        ([10.5, 100.0, 100.0], Choice(0, 2)),  # its neighbour goes along: no larger for it
        ([8.9, 100.0, 100.0], Choice(1, 2)),  # too late already: it yields
        ([1.0, 3.0, 8.9], Choice(2, 1)),  # all are; the last one may be done sooner
        ([9.0, *[17.0] * 9], Choice(1, 9)),  # one is passed over for nine
        ([9.0, *[17.0] * 10], Choice(1, 9)),
        ([9.0, 17.0], Choice(0, 1)),  # one or the other: the first
    ],
)
def test_by_hand(deadlines, choice):
    assert next_batch(deadlines, 0.0, PACE) == choice


def test_a_frame_that_is_just_in_time_is_so_whatever_its_rounding():
    assert 0.7 - 0.2 < 0.5 <= 0.7
    assert next_batch([0.7], 0.2, Pace(0.4, 0.1, 0.5, most=4)) == Choice(0, 1)


def too_late(deadlines: list[float], begins: float = 0.0) -> int:
    """Of all of them, if they go in order, each batch as large as its first frame allows."""
    late = 0
    while deadlines:
        alive = bisect_left(deadlines, begins + 9.0)
        late, deadlines = late + alive, deadlines[alive:]
        if deadlines:
            size = max(n for n in range(1, 17) if n == 1 or begins + 8 + n <= deadlines[0])
            begins += 8 + min(size, len(deadlines))
            deadlines = deadlines[size:]
    return late


DEADLINES = st.lists(st.integers(0, 400).map(lambda n: n / 4), min_size=1, max_size=40).map(sorted)


@given(DEADLINES)
def test_a_batch_is_in_time_and_passes_over_only_whom_more_frames_are_in_time_for(deadlines):
    first, size = next_batch(deadlines, 0.0, PACE)

    assert 1 <= size <= min(16, len(deadlines) - first)
    if deadlines[-1] < 9:
        assert (first, size) == (len(deadlines) - 1, 1)
        return
    assert deadlines[first] >= 8 + size
    fewest = too_late(deadlines)
    alive = bisect_left(deadlines, 9.0)
    assert first + too_late(deadlines[first + size :], 8.0 + size) <= fewest
    if fewest == alive:
        assert first == alive, "passed over though none would be too late"
    else:
        assert first >= alive
    larger = first + size < len(deadlines) and size < 16
    assert not larger or deadlines[first] < 8 + size + 1, "smaller than it might be"


@given(DEADLINES)
def test_what_is_in_time_one_by_one_is_in_time_in_batches(deadlines):
    left = [max(deadline, 9.0 * number) for number, deadline in enumerate(deadlines, 1)]
    begins = 0.0
    while left:
        first, size = next_batch(left, begins, PACE)
        begins += 8 + size
        assert first == 0
        assert left[0] >= begins
        left = left[size:]
