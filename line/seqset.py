"""A set of sequence numbers that arrive nearly in order, in memory bounded by the disorder."""

from __future__ import annotations

from collections.abc import Iterable


class SeqSet:
    """Holds every number below `low`, and a few above it."""

    def __init__(self, low: int = 0) -> None:
        self._low = low
        self._above: set[int] = set()

    @property
    def low(self) -> int:
        """The smallest number that is not in the set."""
        return self._low

    def __contains__(self, seq: int) -> bool:
        return seq < self._low or seq in self._above

    def __len__(self) -> int:
        return self._low + len(self._above)

    def add(self, seq: int) -> bool:
        """Put `seq` in; False if it was there."""
        if seq in self:
            return False
        self._above.add(seq)
        while self._low in self._above:
            self._above.remove(self._low)
            self._low += 1
        return True

    def update(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            self.add(seq)
