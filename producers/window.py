"""What a camera keeps until the line has acknowledged it, and what it can do without a crash.

The camera is the line's journal: an item stays here until every sink has it, and is sent again
whenever the dispatcher starts anew. Frames are limited in number. Items that never became frames
are few bytes each; they travel in ranges, one range under way at a time.
"""

from __future__ import annotations

import math
import os
import struct
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from line.messages import Buffer, Frame, Unseen, UnseenItems
from line.seqset import SeqSet

RANGE_ITEMS = 256
"""Most items in one range."""


class Progress:
    """What a camera's next incarnation must know.

    How far its items are acknowledged without a gap, and the belt time at which the infeed was
    stopped, if it was.
    """

    _FORMAT = struct.Struct("<qd")

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        stored = os.pread(self._fd, self._FORMAT.size, 0)
        low, stop_s = self._FORMAT.unpack(stored) if stored else (0, math.inf)
        self._acknowledged = SeqSet(low)
        self._stop_s: float = stop_s

    @property
    def low(self) -> int:
        """All items below this number stand in every sink."""
        return self._acknowledged.low

    @property
    def stop_s(self) -> float | None:
        """Belt time after which nothing is fed; None = feed on."""
        return self._stop_s if math.isfinite(self._stop_s) else None

    @stop_s.setter
    def stop_s(self, belt_s: float) -> None:
        self._stop_s = belt_s
        self._write()

    def __contains__(self, seq: int) -> bool:
        return seq in self._acknowledged

    def update(self, seqs: Iterable[int]) -> None:
        """These items are acknowledged."""
        before = self.low
        self._acknowledged.update(seqs)
        if self.low != before:
            self._write()

    def close(self) -> None:
        os.close(self._fd)

    def _write(self) -> None:
        os.pwrite(self._fd, self._FORMAT.pack(self.low, self._stop_s), 0)


class Window:
    """Unacknowledged items: at most `size` frames, and any number of unseen items."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._frames: dict[int, tuple[Frame, Buffer]] = {}
        self._unseen: deque[Unseen] = deque()
        self._range: dict[int, Unseen] = {}

    @property
    def room(self) -> int:
        """Frames that may still be added."""
        return self._size - len(self._frames)

    @property
    def frames(self) -> int:
        """Frames kept."""
        return len(self._frames)

    def __bool__(self) -> bool:
        """Whether anything is left to be acknowledged."""
        return bool(self._frames or self._unseen or self._range)

    def add_frame(self, frame: Frame, data: Buffer) -> None:
        self._frames[frame.seq] = (frame, data)

    def add_unseen(self, item: Unseen) -> None:
        self._unseen.append(item)

    @property
    def has_range(self) -> bool:
        """A range waits and may be sent."""
        return bool(self._unseen) and not self._range

    def next_range(self) -> UnseenItems | None:
        """The next range of unseen items to send; None while one is under way."""
        if not self.has_range:
            return None
        count = min(RANGE_ITEMS, len(self._unseen))
        self._range = {item.seq: item for item in (self._unseen.popleft() for _ in range(count))}
        return UnseenItems(tuple(self._range.values()))

    def acknowledge(self, seqs: Iterable[int]) -> None:
        """Forget these items."""
        for seq in seqs:
            self._frames.pop(seq, None)
            self._range.pop(seq, None)

    def everything_sent(self) -> tuple[list[tuple[Frame, Buffer]], UnseenItems | None]:
        """What a new dispatcher must be told again."""
        again = UnseenItems(tuple(self._range.values())) if self._range else None
        return list(self._frames.values()), again
