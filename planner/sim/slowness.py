"""How much longer the machine takes now than at first: a stretch of time as it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from planner.profile import BLOCK_S
from producers.randomness import Purpose, stream


class MachineSlowness:
    """Blocks in the order in which they were measured, begun at one by lot, round and round.

    Which one depends on the seed alone: lines that differ in anything else meet the same machine.
    """

    def __init__(self, blocks: Sequence[float], seed: int) -> None:
        """`blocks`: of `BLOCK_S` each; none: the machine is always as at first."""
        first = int(stream(seed, 0, 0, Purpose.SLOWNESS).integers(len(blocks))) if blocks else 0
        self._blocks = [*blocks[first:], *blocks[:first]] or [1.0]

    def at(self, now: float) -> float:
        """Factor at a moment, in virtual seconds."""
        return self._blocks[int(now / BLOCK_S) % len(self._blocks)]
