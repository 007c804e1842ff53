"""How many alerts may be raised in a second, and how many were held back."""

from __future__ import annotations

_SECOND_S = 1.0
_LONGEST_S = 10.0
"""A flood that lasts is told of this often."""


class Flood:
    """Lets `per_s` alerts through in each second and counts the rest. Times are monotonic."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._second_began = -_SECOND_S
        self._in_second = 0
        self.began = 0.0
        """time of the first alert held back"""
        self.held_back = 0
        """since then"""

    def admits(self, now: float) -> bool:
        """Count one alert; False if it is to be held back."""
        if self._is_new_second(now):
            self._second_began, self._in_second = now, 0
        self._in_second += 1
        if self._in_second <= self._per_s:
            return True
        if not self.held_back:
            self.began = now
        self.held_back += 1
        return False

    def is_due(self, now: float) -> bool:
        """What was held back should be told: a calm second has begun, or it lasts too long."""
        return self.held_back > 0 and (
            self._is_new_second(now)
            or self._in_second <= self._per_s
            or now >= self.began + _LONGEST_S
        )

    def settle(self) -> int:
        """The number held back, which is told now and forgotten."""
        held_back, self.held_back = self.held_back, 0
        return held_back

    def _is_new_second(self, now: float) -> bool:
        return now >= self._second_began + _SECOND_S
