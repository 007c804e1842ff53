"""A rate that changes at given moments: how fast a belt runs, how fast a feeder feeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from line.belt_changes import BeltChange, BeltSpeedChanged, Paused, Unpaused
from line.events import Drift, Surge


class Pace:
    """Constant between its steps. Without steps it is exactly amount ÷ rate."""

    def __init__(self, rate: float, steps: Sequence[tuple[float, float]] = ()) -> None:
        """`steps`: (belt time, rate from there on), ascending; `rate` holds before them."""
        self._steps = [(-math.inf, rate), *steps]

    def duration_s(self, from_s: float, amount: float) -> float:
        """Belt time, from belt time `from_s` on, until `amount` has passed at these rates.

        Infinite if the last rate is 0 and something is left.
        """
        passed_s = 0.0
        for (_, rate), (next_s, _) in pairwise([*self._steps, (math.inf, 0.0)]):
            left_s = next_s - (from_s + passed_s)
            if left_s <= 0:
                continue
            if rate and amount <= rate * left_s:
                return passed_s + amount / rate
            amount -= rate * left_s if rate else 0.0
            passed_s += left_s
        return passed_s

    def amount(self, from_s: float, to_s: float) -> float:
        """What passes between two belt times."""
        passed = 0.0
        for (begin_s, rate), (end_s, _) in pairwise([*self._steps, (math.inf, 0.0)]):
            left_s = min(to_s, end_s) - max(from_s, begin_s)
            passed += rate * max(0.0, left_s)
        return passed

    def rate_at(self, belt_s: float) -> float:
        """The rate that holds at a belt time."""
        return next(rate for begin_s, rate in reversed(self._steps) if begin_s <= belt_s)


def belt_pace(
    speed_m_per_s: float, drifts: Iterable[Drift], changes: Iterable[BeltChange] = ()
) -> Pace:
    """Metres a second; the last drift or change that has begun holds."""
    steps = [(drift.at_s, speed_m_per_s * drift.factor) for drift in drifts]
    steps += [(c.at_s, c.m_per_s) for c in changes if isinstance(c, BeltSpeedChanged)]
    return Pace(speed_m_per_s, sorted(steps, key=lambda step: step[0]))


def pauses(changes: Iterable[BeltChange]) -> Pace:
    """Seconds of an undisturbed feeder a second: 1, and 0 while it is paused."""
    return Pace(
        1.0,
        [
            (change.at_s, float(isinstance(change, Unpaused)))
            for change in changes
            if isinstance(change, Paused | Unpaused)
        ],
    )


def feeder_pace(surges: Iterable[Surge]) -> Pace:
    """Seconds of an undisturbed feeder a second; a surge that begins in another takes its place."""
    steps: list[tuple[float, float]] = []
    ordered = sorted(surges, key=lambda surge: surge.at_s)
    for surge, follower in pairwise([*ordered, None]):
        assert surge is not None
        steps.append((surge.at_s, surge.factor))
        if follower is None or follower.at_s > surge.end_s:
            steps.append((surge.end_s, 1.0))
    return Pace(1.0, steps)
