"""Bets that ranks are uniform no more, and since when they win.

Each bet multiplies its stake by a density at each rank: on low ones, on high ones, on ranks at both
ends or in the middle. While ranks are uniform and independent nobody can expect to gain by it. A
stake below 1 is laid anew as 1: what is left then is an e-detector of the kind of Page's CUSUM
(1954), and the mean number of items until one of `n` bets stands above `n · c` is `c` at least
(Shin, Ramdas and Rinaldo, E-detectors, 2022).

The densities are steep enough that ranks which are only a little off lose: a bet on low ones gains
if their mean is below 0.39. So a class that is now purer than it was, because a load brings more of
it, wins nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1, log
from typing import Any

_STEEP, _STEEPER, _ENDS = 2.75, 10.0, 5.0
BETS = (
    *(("lower", _STEEP), ("lower", _STEEPER), ("higher", _STEEP), ("higher", _STEEPER)),
    *(("more spread", _ENDS), ("less spread", _ENDS)),
)
"""Which way the ranks went, and how steep the density is in that direction."""


def _gain(steepness: float) -> float:
    """Logarithm of the density steepness · exp(-steepness · x) / (1 - exp(-steepness)) at 0."""
    return log(steepness / -expm1(-steepness))


_S, _SS, _E = _gain(_STEEP), _gain(_STEEPER), _gain(_ENDS)


class Bets:
    """On the ranks of one statistic. Stakes are logarithms."""

    def __init__(self) -> None:
        self._stakes = [0.0] * len(BETS)
        self._since = [""] * len(BETS)
        """the item at which each was last laid anew"""

    def take(self, rank: float, item: str) -> float:
        """One item more; the highest stake."""
        end = abs(2 * rank - 1)
        gains = (
            _S - _STEEP * rank,
            _SS - _STEEPER * rank,
            _S - _STEEP * (1 - rank),
            _SS - _STEEPER * (1 - rank),
            _E - _ENDS * (1 - end),
            _E - _ENDS * end,
        )
        stakes, since, best = self._stakes, self._since, 0.0
        for number, gain in enumerate(gains):
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
        return [self._stakes, self._since]

    @classmethod
    def of(cls, state: Sequence[Any]) -> Bets:
        """Inverse of `state`. Raises TypeError or ValueError for anything else."""
        stakes, since = state
        made = cls()
        made._stakes, made._since = [float(each) for each in stakes], [str(each) for each in since]
        if not len(made._stakes) == len(made._since) == len(BETS):
            raise ValueError("not the bets of this version")
        return made
