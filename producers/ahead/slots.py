"""Where pictures lie that were made ahead: numbered places in memory that two processes share.

The camera says which place a picture goes to and takes it from there; the maker writes it. The
memory is a file without a name, so nothing is left of it when both are gone. A place takes as much
room as the largest picture that ever lay there, and the lowest free one is taken first, so the room
taken is that of the pictures that lay there at the same time.
"""

from __future__ import annotations

import heapq
import os

from line.process.memory import unnamed_memory


class Slots:
    """The camera's side. Owns the memory, until `close`."""

    def __init__(self, most_bytes: int, slot_bytes: int, expected_bytes: int = 0) -> None:
        """`slot_bytes`: no picture is larger; `expected_bytes`: of one, as far as it is known.

        All of them together take no more than `most_bytes`, but for pictures that turn out larger
        than any before.
        """
        self.fd = unnamed_memory("scrapline-pictures-ahead")
        self.used_bytes = 0
        """that the places take, pictures under way included"""
        self._most_bytes = most_bytes
        self._slot_bytes = slot_bytes
        self._expected_bytes = expected_bytes
        self._rooms: list[int] = []
        """place → bytes that it takes"""
        self._free: list[int] = []

    def take(self) -> int | None:
        """A place for a picture that is to be made; None if there is no room for it."""
        slot = self._free[0] if self._free else len(self._rooms)
        room = self._rooms[slot] if self._free else 0
        growth = max(0, self._expected_bytes - room)
        if self.used_bytes + growth > self._most_bytes:
            return None
        if self._free:
            heapq.heappop(self._free)
        else:
            self._rooms.append(0)
        self._grow(slot, self._expected_bytes)
        return slot

    def fill(self, slot: int, size: int) -> None:
        """A picture of `size` bytes lies there now."""
        self._expected_bytes = max(self._expected_bytes, size)
        self._grow(slot, size)

    def free(self, slot: int) -> None:
        """It may be taken again."""
        heapq.heappush(self._free, slot)

    def read(self, slot: int, size: int) -> bytes:
        """A copy of what lies there."""
        return os.pread(self.fd, size, slot * self._slot_bytes)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _grow(self, slot: int, size: int) -> None:
        growth = max(0, size - self._rooms[slot])
        self._rooms[slot] += growth
        self.used_bytes += growth


def write(fd: int, slot: int, slot_bytes: int, data: bytes) -> None:
    """The maker's side. Raises OSError where there is no memory."""
    view, at = memoryview(data), slot * slot_bytes
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
