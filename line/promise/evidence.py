"""Whether labels that come in one by one speak against a promise, at any moment that one looks.

A test at each label would raise a false alarm sooner or later. Here a bet against the promise is
kept: each label multiplies what was staked by its probability at a worse purity, divided by that at
the promised one. While the promise holds nobody can expect to gain by it, and the stake grows
`1 / FALSE_ALARM` times with probability `FALSE_ALARM` at most, however long one plays (Ville, 1939;
Ramdas, Grünwald, Vovk and Shafer, Game-Theoretic Statistics and Safe Anytime-Valid Inference,
2023). The stake is laid in equal parts on some worse purities.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

FALSE_ALARM = 0.01
"""A promise that holds is said not to hold with this probability at most, in a whole run."""
_WORSE = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
"""Odds of a wrong answer, in times those of the promise."""
_MOST = 700.0
"""Logarithm of the largest stake that is told apart from larger ones."""


@dataclass(slots=True)
class Evidence:
    """Of labels of items that were ejected into the bin of a class, at the promised `purity`."""

    purity: float
    right: int = 0
    wrong: int = 0
    is_broken: bool = False
    """the labels have refuted the promise, now or before"""

    def add(self, *, right: bool) -> None:
        """One label more."""
        self.right += right
        self.wrong += not right
        if not right and not self.is_broken:  # a right one gains nothing
            self.is_broken = self.gain >= 1 / FALSE_ALARM

    @property
    def labelled(self) -> int:
        return self.right + self.wrong

    @property
    def gain(self) -> float:
        """What has become of a stake of 1."""
        rate = 1 - self.purity
        return sum(self._gain_at(rate, odds) for odds in _WORSE) / len(_WORSE)

    def _gain_at(self, rate: float, odds: float) -> float:
        """`rate`: share of wrong answers by the promise."""
        worse = odds * rate / (1 - rate + odds * rate)
        found = self.wrong * log(worse / rate) + self.right * log((1 - worse) / (1 - rate))
        return exp(min(found, _MOST))
