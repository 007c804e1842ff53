"""How much longer the machine takes now than at first: by lot as measured, or as in one run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from planner.profile import BLOCK_S, PIECE_S
from producers.randomness import Purpose, stream


class Slowness(Protocol):
    """Of a machine. Moments are virtual seconds."""

    def at(self, now: float) -> float:
        """Factor on the time of an inference, or a picture."""
        ...

    def speed_at(self, now: float) -> float:
        """Factor on processor time, which waiting for a core does not cost."""
        ...


def mean_speed(slowness: Slowness, until_s: float) -> float:
    """Times as much processor time as at first, on average until a moment."""
    moments = (number * PIECE_S for number in range(max(1, math.ceil(until_s / PIECE_S))))
    return fmean(map(slowness.speed_at, moments))


class MachineSlowness:
    """Blocks in the order in which they were measured, begun at one by lot, round and round.

    Within them pieces likewise, begun at another one. Where it begins depends on the seed alone:
    lines that differ in anything else meet the same machine.
    """

    def __init__(self, blocks: Sequence[float], pieces: Sequence[float], seed: int) -> None:
        """`blocks` of `BLOCK_S` each; none: the machine is always as at first.

        `pieces` of `PIECE_S` each, as parts of their blocks'; none: all through a block the same.
        """
        by_lot = stream(seed, 0, 0, Purpose.SLOWNESS)
        self._blocks, self._pieces = (
            _turned(measured, int(by_lot.integers(len(measured) or 1)))
            for measured in (blocks, pieces)
        )

    def at(self, now: float) -> float:
        """Factor at a moment, in virtual seconds."""
        blocks, pieces = self._blocks, self._pieces
        return blocks[int(now / BLOCK_S) % len(blocks)] * pieces[int(now / PIECE_S) % len(pieces)]

    def speed_at(self, now: float) -> float:
        """The same: what disturbs inferences is taken to be a slower processor."""
        return self.at(now)


@dataclass(frozen=True, slots=True)
class TracedSlowness:
    """Of the machine of one run, moment by moment from belt second 0 on; then as at last."""

    step_s: float
    times: Sequence[float]
    """of each step: times as long"""
    speed: Sequence[float]
    """of each step: times as much processor time"""

    def at(self, now: float) -> float:
        """See `Slowness`."""
        return self.times[min(int(now / self.step_s), len(self.times) - 1)]

    def speed_at(self, now: float) -> float:
        """See `Slowness`."""
        return self.speed[min(int(now / self.step_s), len(self.speed) - 1)]


def _turned(measured: Sequence[float], first: int) -> list[float]:
    return [*measured[first:], *measured[:first]] or [1.0]
