"""An alarm on the share of items that something happened to, with hysteresis."""

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
