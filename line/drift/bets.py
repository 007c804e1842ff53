"""Bets that ranks are uniform no more, and since when they win.

Each bet multiplies its stake by a density at each rank: on low ones, on high ones, on ranks at both
ends or in the middle. While ranks are uniform and independent nobody can expect to gain by it. A
stake below 1 is laid anew as 1: what is left then is an e-detector of the kind of Page's CUSUM
(1954), and the mean number of items until one of `n` bets stands above `n · c` is `c` at least
(Shin, Ramdas and Rinaldo, E-detectors, 2022).

All densities are so steep that what is hardly off loses: the flattest bet on low ranks gains if
their mean is below 0.39. So a class that is now purer than it was, because a load brings more of
it, wins nothing. One bet in each direction is on some ranks that are far off among others that are
not, as where a new kind of thing comes among the usual. On confidences there is none: a load of
what the model knows less well makes some of them unsure, and is no drift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Any

CELLS = 512
"""Ranks that share a gain."""
_FLAT, _STEEP, _SOME, _ENDS = 2.75, 10.0, 20.0, 5.0
"""The density at `x` is as exp(-steepness · x)."""
_SHARE = 0.3
"""Of the ranks, where some are far off."""
DIRECTIONS = ("lower", "lower", "higher", "higher", "more spread", "less spread")
"""Which way the ranks went by each bet."""
_WAYS = 4
"""The first of them are on one end."""
Gains = tuple[tuple[float, ...], ...]
"""Of each cell, the logarithm of each bet's density."""


def _cells(density: Callable[[float], float]) -> list[float]:
    """A density on 0..1 as one of steps, whose mean is 1."""
    steps = [density((cell + 0.5) / CELLS) for cell in range(CELLS)]
    mean = sum(steps) / CELLS
    return [step / mean for step in steps]


def _gains(second: Sequence[float]) -> Gains:
    """`second`: density of the second bet on low ranks."""
    flat = _cells(lambda x: exp(-_FLAT * x))
    ends = _cells(lambda x: exp(-_ENDS * (1 - abs(2 * x - 1))))
    inside = _cells(lambda x: exp(-_ENDS * abs(2 * x - 1)))
    densities = (flat, second, flat[::-1], second[::-1], ends, inside)
    return tuple(tuple(map(log, steps)) for steps in zip(*densities, strict=True))


ON_ALL = _gains(_cells(lambda x: exp(-_STEEP * x)))
ON_SOME = _gains([1 - _SHARE + _SHARE * step for step in _cells(lambda x: exp(-_SOME * x))])


class Bets:
    """On the ranks of one statistic. Stakes are logarithms."""

    def __init__(self, gains: Gains) -> None:
        self._gains = gains
        self._stakes = [0.0] * len(DIRECTIONS)
        self._since = [""] * len(DIRECTIONS)
        """the item at which each was last laid anew"""

    def take(self, rank: float, item: str) -> float:
        """One item more; the highest stake."""
        stakes, since, best = self._stakes, self._since, 0.0
        for number, gain in enumerate(self._gains[int(rank * CELLS)]):
            stake = stakes[number]
            if stake <= 0.0:
                stake, since[number] = 0.0, item
            stakes[number] = stake = stake + gain
            if stake > best:
                best = stake
        return best

    @property
    def winner(self) -> tuple[str, str]:
        """The highest stake's direction, and the item since which it wins.

        Ranks that all went to one end are called more spread only where no bet on that end wins.
        """
        best = max(self._stakes)
        ways = [stake + best * (number < _WAYS) / 2 for number, stake in enumerate(self._stakes)]
        number = ways.index(max(ways))
        return DIRECTIONS[number], self._since[number]

    def begin_anew(self) -> None:
        """All stakes are laid anew."""
        self._stakes = [0.0] * len(DIRECTIONS)

    def state(self) -> list[Any]:
        """As JSON keeps it."""
        return [[*self._stakes], [*self._since]]

    def restore(self, state: Sequence[Any]) -> None:
        """Inverse of `state`. Raises TypeError or ValueError for anything else."""
        stakes, since = state
        self._stakes, self._since = [float(each) for each in stakes], [str(each) for each in since]
        if not len(self._stakes) == len(self._since) == len(DIRECTIONS):
            raise ValueError("not the bets of this version")
