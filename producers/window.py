"""What a camera keeps until the line has acknowledged it.

The camera is the line's journal: an item stays here until every sink has it, and is sent again
whenever the dispatcher starts anew. Frames are limited in number. Items that never became frames
are few bytes each; they travel in ranges, one range under way at a time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from itertools import islice

from line.messages import Buffer, Frame, Unseen, UnseenItems

RANGE_ITEMS = 256
"""Most items in one range."""


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

    @property
    def oldest_s(self) -> float:
        """Belt time of the first trigger that is not acknowledged; infinite if there is none."""
        kept: list[Frame | Unseen] = [frame for frame, _ in self._frames.values()]
        return min(
            (item.scheduled_s for item in (*kept, *self._range.values(), *islice(self._unseen, 1))),
            default=math.inf,
        )

    def add_frame(self, frame: Frame, data: Buffer) -> None:
        self._frames[frame.seq] = (frame, data)

    def frame(self, seq: int) -> tuple[Frame, Buffer] | None:
        """An unacknowledged frame and its picture; None if it is not here."""
        return self._frames.get(seq)

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
