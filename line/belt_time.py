"""How belt time and wall time (the monotonic clock) belong together."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from line.belt_changes import BeltChange, ClockChanged


@dataclass(frozen=True, slots=True)
class _Piece:
    """From belt second `belt_s` on, `wall_s` seconds after belt second 0, at one speed."""

    belt_s: float
    wall_s: float
    speed: float


class Clock:
    """Belt second 0 is monotonic time `start`; belt time passes `speed` times as fast.

    An infinite speed is the `max` clock: belt time passes as fast as the line can follow, every
    moment of the belt is due at once, and deadlines never come. On any other, `changes` of the
    speed hold from their belt second on.
    """

    def __init__(self, start: float, speed: float, changes: Iterable[BeltChange] = ()) -> None:
        self.start = start
        self.speed = speed
        self.follow(changes)

    def follow(self, changes: Iterable[BeltChange]) -> None:
        """All that was ordered so far; what is new lies ahead."""
        self._pieces = [_Piece(0.0, 0.0, self.speed)]
        for change in changes:
            if isinstance(change, ClockChanged):
                wall_s = _wall_s(self._pieces[-1], change.at_s)
                self._pieces.append(_Piece(change.at_s, wall_s, change.multiplier))
        self._by_belt_s = [piece.belt_s for piece in self._pieces]
        self._by_wall_s = [piece.wall_s for piece in self._pieces]

    @property
    def is_paced(self) -> bool:
        return math.isfinite(self.speed)

    def wall(self, belt_s: float) -> float:
        """Monotonic time at which belt time `belt_s` is due."""
        return self.start + self._elapsed_s(belt_s)

    def belt(self, now: float) -> float:
        """Belt time at monotonic time `now`; on a paced clock only."""
        wall_s = now - self.start
        piece = self._pieces[_place(self._by_wall_s, wall_s)]
        return piece.belt_s + (wall_s - piece.wall_s) * piece.speed

    def speed_at(self, belt_s: float) -> float:
        """The multiplier at a belt time."""
        return self._piece_at(belt_s).speed

    def elapsed_s(self, belt_s: float, now: float) -> float:
        """Wall seconds from belt second 0 to belt time `belt_s`; to `now` on the `max` clock."""
        return self._elapsed_s(belt_s) if self.is_paced else now - self.start

    def deadline(self, belt_s: float) -> float:
        """Monotonic time of a deadline at belt time `belt_s`."""
        return self.wall(belt_s) if self.is_paced else math.inf

    def _elapsed_s(self, belt_s: float) -> float:
        return _wall_s(self._piece_at(belt_s), belt_s)

    def _piece_at(self, belt_s: float) -> _Piece:
        return self._pieces[_place(self._by_belt_s, belt_s)]


def _place(begins_s: list[float], moment_s: float) -> int:
    """Of the piece that holds; the first one also for what lies before the start."""
    return max(0, bisect_right(begins_s, moment_s) - 1)


def _wall_s(piece: _Piece, belt_s: float) -> float:
    return piece.wall_s + (belt_s - piece.belt_s) / piece.speed
