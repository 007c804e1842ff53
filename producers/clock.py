"""How belt time and wall time (the monotonic clock) belong together."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Belt second 0 is monotonic time `start`; belt time passes `speed` times as fast.

    An infinite speed is the `max` clock: belt time passes as fast as the line can follow, every
    moment of the belt is due at once, and deadlines never come.
    """

    start: float
    speed: float

    @property
    def is_paced(self) -> bool:
        return math.isfinite(self.speed)

    def wall(self, belt_s: float) -> float:
        """Monotonic time at which belt time `belt_s` is due."""
        return self.start + belt_s / self.speed

    def belt(self, now: float) -> float:
        """Belt time at monotonic time `now`; on a paced clock only."""
        return (now - self.start) * self.speed

    def elapsed_s(self, belt_s: float, now: float) -> float:
        """Wall seconds from belt second 0 to belt time `belt_s`; to `now` on the `max` clock."""
        return belt_s / self.speed if self.is_paced else now - self.start

    def deadline(self, belt_s: float) -> float:
        """Monotonic time of a deadline at belt time `belt_s`."""
        return self.wall(belt_s) if self.is_paced else math.inf
