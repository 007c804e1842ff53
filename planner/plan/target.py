"""What a line is to reach, and what is said of whether it will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SURE, HOPELESS = 0.9, 0.1
"""Probability from which on a target counts as met; up to which, as missed."""


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


@dataclass(frozen=True, slots=True)
class Target:
    """Shares in 0 … 1 by the names of measures."""

    least: Mapping[str, float]

    def is_met(self, measures: Mapping[str, float]) -> bool:
        """By one run. Rounded, so that a share of exactly the target is not lost to arithmetic."""
        return all(round(measures[name], 9) >= share for name, share in self.least.items())
