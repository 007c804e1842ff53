"""Which of the waiting frames are a worker's next batch.

The most urgent ones, and as many as are done by the deadline of the most urgent of them: so none
is too late for the sake of a batch. Where more comes than can be done like that, some frames are
too late whatever is done, and those that remain have hardly time left: batches would become ever
smaller, and the line as slow as without them, for good. There the most urgent frames are passed
over, as few as can be, if by that fewer are too late in all.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

_LEAST_S = 1e-9
_FORESEEN = 256
"""Frames whose fate is thought of: the most urgent of those that are not too late."""


class Pace(NamedTuple):
    """What a worker's next batches take: `base_s` + n · `picture_s` for n frames, with a margin."""

    base_s: float
    picture_s: float
    alone_s: float
    """a single frame, without the margin: one that has less left is too late"""
    most: int
    """frames of a batch, whatever their deadlines"""

    def seconds(self, frames: int) -> float:
        """Of a batch; a single frame is given its chance."""
        return self.alone_s if frames == 1 else self.base_s + frames * self.picture_s

    def fitting(self, time_s: float) -> int:
        """Frames of a batch that is done in so much time; 0: not even one."""
        if time_s < self.alone_s:
            return 0
        return int(max(1, min(self.most, (time_s - self.base_s) / max(_LEAST_S, self.picture_s))))


class Choice(NamedTuple):
    """`size` frames from number `first` on, by their deadlines."""

    first: int
    size: int


def next_batch(deadlines: Sequence[float], begins: float, pace: Pace) -> Choice:
    """Of frames with these deadlines, ascending, one at least; the batch begins at `begins`.

    Frames that are too late already yield to those that are not.
    """
    first = bisect_left(deadlines, begins + pace.alone_s)
    if first == len(deadlines):
        return Choice(first - 1, 1)  # it may be done sooner than is thought, before all others
    alive = deadlines[first : first + _FORESEEN]
    best, fewest = Choice(first, 1), math.inf
    for size in range(1, pace.most + 1):
        start = bisect_left(alive, begins + pace.seconds(size))
        if start == len(alive):
            break
        # Rounded otherwise than above, it may come out one smaller.
        count = min(max(size, pace.fitting(alive[start] - begins)), len(alive) - start)
        lost = start + _late(alive, start + count, begins + pace.seconds(count), pace)
        if lost < fewest:
            best, fewest = Choice(first + start, count), lost
        if not fewest:
            break
    return best


def _late(deadlines: Sequence[float], start: int, begins: float, pace: Pace) -> int:
    """Of the frames from `start` on, those that are too late if the most urgent go first."""
    late = 0
    while start < len(deadlines):
        alive = bisect_left(deadlines, begins + pace.alone_s, start)
        late += alive - start
        if alive == len(deadlines):
            break
        size = min(max(1, pace.fitting(deadlines[alive] - begins)), len(deadlines) - alive)
        begins += pace.seconds(size)
        start = alive + size
    return late
