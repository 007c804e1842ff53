"""How fast items come, in steps: what was measured at some paces is carried over to all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.profile import Profile

STEPS = 65
"""Paces that are told apart, evenly from none to the highest that was measured."""


class Paces:
    """Of one profile. Above the highest everything is as at the highest."""

    def __init__(self, profile: Profile) -> None:
        self._highest = max(each.items_per_s for each in profile.service) or 1.0
        self._steps_per_item = (STEPS - 1) / self._highest

    def step(self, items_per_s: float) -> int:
        """Which of the `STEPS` that is."""
        if items_per_s >= self._highest:
            return STEPS - 1
        return int(self._steps_per_item * items_per_s + 0.5)

    @property
    def every_per_s(self) -> NDArray[np.float64]:
        """The paces of all steps, in items a second."""
        return np.linspace(0.0, self._highest, STEPS)

    def neighbours(self, step: int, measured_per_s: Sequence[float]) -> tuple[int, int, float]:
        """Between which two of ascending measured paces it lies, and how far towards the second.

        Outside of them it is the nearest one, twice.
        """
        pace = self.every_per_s[step]
        above = min(int(np.searchsorted(measured_per_s, pace)), len(measured_per_s) - 1)
        below = max(above - 1, 0)
        ends = [measured_per_s[below], measured_per_s[above]]
        if ends[0] == ends[1]:
            return above, above, 0.0
        return below, above, float(np.interp(pace, ends, [0.0, 1.0]))
