"""How much longer the machine takes now than at first: a stretch of time as it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from planner.profile import BLOCK_S, PIECE_S
from producers.randomness import Purpose, stream


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


def _turned(measured: Sequence[float], first: int) -> list[float]:
    return [*measured[first:], *measured[:first]] or [1.0]
