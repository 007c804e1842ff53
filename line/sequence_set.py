"""A set of sequence numbers that arrive nearly in order, in memory bounded by its gaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Self


class SeqSet:
    """Holds every number below `low`, and runs of numbers above it.

    A run is kept by its ends: a million numbers behind one that is missing take no more room than
    two.
    """

    def __init__(self, low: int = 0) -> None:
        self._low = low
        self._begins: list[int] = []
        """of the runs above `low`, ascending"""
        self._ends: list[int] = []
        """behind the last number of each; less than the next begin"""

    @classmethod
    def of(cls, low: int, runs: Iterable[tuple[int, int]]) -> Self:
        """The set with this `low` and these `runs`, which ascend and do not touch."""
        seqs = cls(low)
        for begin, end in runs:
            seqs._begins.append(begin)
            seqs._ends.append(end)
        return seqs

    @property
    def low(self) -> int:
        """The smallest number that is not in the set."""
        return self._low

    @property
    def runs(self) -> list[tuple[int, int]]:
        """What is there above `low`: first number of each run, and the one behind its last."""
        return list(zip(self._begins, self._ends, strict=True))

    def __contains__(self, seq: int) -> bool:
        if seq < self._low:
            return True
        place = bisect_right(self._begins, seq) - 1
        return place >= 0 and seq < self._ends[place]

    def __len__(self) -> int:
        return self._low + sum(self._ends) - sum(self._begins)

    def add(self, seq: int) -> bool:
        """Put `seq` in; False if it was there."""
        if seq in self:
            return False
        if seq == self._low:
            self._low += 1
            if self._begins and self._begins[0] == self._low:
                del self._begins[0]
                self._low = self._ends.pop(0)
            return True
        after = bisect_right(self._begins, seq)
        follows = after > 0 and self._ends[after - 1] == seq
        precedes = after < len(self._begins) and self._begins[after] == seq + 1
        if follows and precedes:
            self._ends[after - 1] = self._ends.pop(after)
            del self._begins[after]
        elif follows:
            self._ends[after - 1] = seq + 1
        elif precedes:
            self._begins[after] = seq
        else:
            self._begins.insert(after, seq)
            self._ends.insert(after, seq + 1)
        return True

    def update(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            self.add(seq)
