"""When a share of items is an alarm, and how many alerts may be raised in a second."""

from __future__ import annotations

from collections import deque


class RateAlarm:
    """On above `limit`, off at `clear`; judges the last `window` items, never fewer."""

    def __init__(self, limit: float, clear: float, window: int) -> None:
        self._limit = limit
        self._clear = clear
        self._recent: deque[bool] = deque(maxlen=window)
        self._hits = 0
        self._is_on = False

    @property
    def items(self) -> int:
        """Items that the rate is taken over."""
        return len(self._recent)

    @property
    def rate(self) -> float:
        """Share of hits, 0..1."""
        return self._hits / len(self._recent) if self._recent else 0.0

    def state(self) -> str:
        """The window, oldest first, as text: whether the alarm is on, then a 1 for each hit."""
        return "".join("01"[hit] for hit in (self._is_on, *self._recent))

    def restore(self, state: str) -> None:
        """Inverse of `state`. Raises ValueError for anything else."""
        if not state or set(state) - {"0", "1"}:
            raise ValueError("no window of an alarm")
        self._is_on = state[0] == "1"
        self._recent.extend(digit == "1" for digit in state[1:])
        self._hits = sum(self._recent)

    def add(self, hit: bool) -> bool | None:
        """Count one item; True when the alarm goes on, False when it goes off, None otherwise."""
        full = len(self._recent) == self._recent.maxlen
        if full:
            self._hits -= self._recent[0]
        self._recent.append(hit)
        self._hits += hit
        if len(self._recent) < (self._recent.maxlen or 0):
            return None
        if not self._is_on and self.rate > self._limit:
            self._is_on = True
            return True
        if self._is_on and self.rate <= self._clear:
            self._is_on = False
            return False
        return None


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
