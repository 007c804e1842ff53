"""Bets that ranks are uniform no more, and since when they win.

Each bet multiplies its stake by a density at each rank: on low ones, on high ones, on ranks at both
ends or in the middle. While ranks are uniform and independent nobody can expect to gain by it. A
stake below 1 is laid anew as 1: what is left then is an e-detector of the kind of Page's CUSUM
(1954), and the mean number of items until one of `n` bets stands above `n · c` is `c` at least
(Shin, Ramdas and Rinaldo, E-detectors, 2022).

Each direction has two densities. One is for ranks that are all a little off, the other for some that
are far off among others that are not, as where a new kind of thing is on the belt. Both are so steep
that what is hardly off loses: a bet on low ranks of the first kind gains if their mean is below
0.39. So a class that is now purer than it was, because a load brings more of it, wins nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Any

_CELLS = 512
"""Ranks that share a gain."""
_ALL, _SOME = 2.75, 20.0
"""Steepness: of the density at `x` it is exp(-steepness · x)."""
_SHARE = 0.3
"""Of the ranks that are far off, in the second kind."""
_ENDS = 5.0


def _cells(density: Callable[[float], float]) -> list[float]:
    """A density on 0..1 as one of steps, whose mean is 1."""
    steps = [density((cell + 0.5) / _CELLS) for cell in range(_CELLS)]
    mean = sum(steps) / _CELLS
    return [step / mean for step in steps]


def _gains() -> dict[tuple[str, str], list[float]]:
    """Bet → logarithm of its density in each cell."""
    all_of_them = _cells(lambda x: exp(-_ALL * x))
    some = [1 - _SHARE + _SHARE * step for step in _cells(lambda x: exp(-_SOME * x))]
    ends = _cells(lambda x: exp(-_ENDS * (1 - abs(2 * x - 1))))
    inside = _cells(lambda x: exp(-_ENDS * abs(2 * x - 1)))
    densities = {
        ("lower", "all"): all_of_them,
        ("lower", "some"): some,
        ("higher", "all"): all_of_them[::-1],
        ("higher", "some"): some[::-1],
        ("more spread", "all"): ends,
        ("less spread", "all"): inside,
    }
    return {bet: [log(step) for step in density] for bet, density in densities.items()}


_GAINS = _gains()
BETS = tuple(_GAINS)
"""Which way the ranks went, and whether all of them did or some."""
_GAINS_AT = tuple(zip(*_GAINS.values(), strict=True))
"""Of a cell, the gain of each bet."""


class Bets:
    """On the ranks of one statistic. Stakes are logarithms."""

    def __init__(self) -> None:
        self._stakes = [0.0] * len(BETS)
        self._since = [""] * len(BETS)
        """the item at which each was last laid anew"""

    def take(self, rank: float, item: str) -> float:
        """One item more; the highest stake."""
        stakes, since, best = self._stakes, self._since, 0.0
        for number, gain in enumerate(_GAINS_AT[int(rank * _CELLS)]):
            stake = stakes[number]
            if stake <= 0.0:
                stake, since[number] = 0.0, item
            stakes[number] = stake = stake + gain
            if stake > best:
                best = stake
        return best

    @property
    def winner(self) -> tuple[str, str]:
        """The highest stake's direction, and the item since which it wins."""
        number = max(range(len(BETS)), key=lambda each: self._stakes[each])
        return BETS[number][0], self._since[number]

    def begin_anew(self) -> None:
        """All stakes are laid anew."""
        self._stakes = [0.0] * len(BETS)

    def state(self) -> list[Any]:
        """As JSON keeps it."""
        return [[*self._stakes], [*self._since]]

    @classmethod
    def of(cls, state: Sequence[Any]) -> Bets:
        """Inverse of `state`. Raises TypeError or ValueError for anything else."""
        stakes, since = state
        made = cls()
        made._stakes, made._since = [float(each) for each in stakes], [str(each) for each in since]
        if not len(made._stakes) == len(made._since) == len(BETS):
            raise ValueError("not the bets of this version")
        return made
