"""What a line is to reach, and what is said of whether it will."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SURE, HOPELESS = 0.9, 0.1
"""Probability from which on a target counts as met; up to which, as missed."""

_Z90 = 1.645
"""Of the normal distribution, 90 % lies so many deviations around the middle."""


class Prospect(StrEnum):
    """Of one future run."""

    MET = "met"
    MISSED = "missed"
    OPEN = "cannot tell"


def prospect(chance: float) -> Prospect:
    """`chance` (0 … 1): that the target is met."""
    if chance >= SURE:
        return Prospect.MET
    return Prospect.MISSED if chance <= HOPELESS else Prospect.OPEN


def is_settled(chance: float, draws: int) -> bool:
    """Whether more draws would hardly change the prospect: by Wilson's interval at 90 %."""
    spread = _Z90**2 / draws
    middle = chance + spread / 2
    half = math.sqrt(spread * (chance * (1 - chance) + spread / 4))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return not any(low <= limit <= high for limit in (HOPELESS, SURE))


@dataclass(frozen=True, slots=True)
class Target:
    """Shares in 0 … 1 by the names of measures."""

    least: Mapping[str, float]

    def is_met(self, measures: Mapping[str, float]) -> bool:
        """By one run. Rounded, so that a share of exactly the target is not lost to arithmetic."""
        return all(round(measures[name], 9) >= share for name, share in self.least.items())
