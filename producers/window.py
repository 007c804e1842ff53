"""What a camera keeps until the line has acknowledged it.

The camera is the line's journal: an item stays here until it stands in the log, and is sent again
whenever the dispatcher starts anew. Frames are limited in number, and so are items whose pictures
failed. Items that were dropped are kept as runs: a million in a row take no more room than one, for
the belt can tell each of them again. They travel in ranges, one under way at a time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from line.messages import Buffer, Frame, Unseen, UnseenItems
from producers.belt import BeltItem
from producers.feed import FeedMark

RANGE_ITEMS = 256
"""Most items in one range."""
MOST_RUNS = 1024
"""Of dropped items; as long as there are so many, no frame is taken that would begin another."""
_SHORT_WAY = 1024
"""Items that are passed over rather than to look for a place in the feed anew."""


@dataclass(slots=True)
class _Run:
    """Dropped items that follow each other, for one reason."""

    first: BeltItem
    count: int
    reason: str


class Window:
    """Unacknowledged items: at most `size` frames and failed items, and runs of dropped ones."""

    def __init__(
        self,
        size: int,
        items_since: Callable[[FeedMark], Iterator[BeltItem]],
        dropped: Callable[[BeltItem, str], Unseen],
    ) -> None:
        """`items_since`: the lane's items from a mark on, as they passed the photo-eye.

        `dropped`: what is to be said of one that was dropped, for a reason.
        """
        self._size = size
        self._dropped = dropped
        self._frames: dict[int, tuple[Frame, Buffer | None]] = {}
        self._failed: dict[int, Unseen] = {}
        self._unsent: deque[int] = deque()
        """failed items that are in no range yet"""
        self._runs: deque[_Run] = deque()
        self._range: dict[int, Unseen] = {}
        self._past = _Past(items_since)

    @property
    def room(self) -> int:
        """Frames that may still be added."""
        if len(self._runs) >= MOST_RUNS:
            return 0
        return self._size - len(self._frames) - len(self._failed)

    @property
    def frames(self) -> int:
        """Frames kept."""
        return len(self._frames)

    def __bool__(self) -> bool:
        """Whether anything is left to be acknowledged."""
        return bool(self._frames or self._failed or self._runs or self._range)

    @property
    def oldest_s(self) -> float:
        """Belt time of the first trigger that is not acknowledged; infinite if there is none."""
        frames = (frame.scheduled_s for frame, _ in self._frames.values())
        unseen = (item.scheduled_s for item in (*self._range.values(), *self._failed.values()))
        runs = (run.first.trigger_s for run in islice(self._runs, 1))
        return min((*frames, *unseen, *runs), default=math.inf)

    def add_frame(self, frame: Frame, data: Buffer | None) -> None:
        """`data`: the picture, unless it stands where the frame's handle leads."""
        self._frames[frame.seq] = (frame, data)

    def frame(self, seq: int) -> tuple[Frame, Buffer | None] | None:
        """An unacknowledged frame, as it was added; None if it is not here."""
        return self._frames.get(seq)

    def add_failed(self, item: Unseen) -> None:
        """An item without a picture; it takes the room of a frame."""
        self._failed[item.seq] = item
        self._unsent.append(item.seq)

    def add_dropped(self, item: BeltItem, reason: str) -> None:
        """An item that was let pass; it takes no room."""
        last = self._runs[-1] if self._runs else None
        if last is not None and last.reason == reason and last.first.seq + last.count == item.seq:
            last.count += 1
        else:
            self._runs.append(_Run(item, 1, reason))

    @property
    def has_range(self) -> bool:
        """A range waits and may be sent."""
        return bool(self._unsent or self._runs) and not self._range

    def next_range(self) -> UnseenItems | None:
        """The next range of unseen items to send; None while one is under way."""
        if not self.has_range:
            return None
        while self._unsent and len(self._range) < RANGE_ITEMS:
            failed = self._failed.get(self._unsent.popleft())
            if failed is not None:  # its row stood already
                self._range[failed.seq] = failed
        while self._runs and len(self._range) < RANGE_ITEMS:
            self._take(self._runs[0], RANGE_ITEMS - len(self._range))
        return UnseenItems(tuple(self._range.values())) if self._range else None

    def acknowledge(self, seqs: Iterable[int]) -> None:
        """Forget these items."""
        for seq in seqs:
            self._frames.pop(seq, None)
            self._range.pop(seq, None)
            self._failed.pop(seq, None)

    def everything_sent(self) -> tuple[list[tuple[Frame, Buffer | None]], UnseenItems | None]:
        """What a new dispatcher must be told again."""
        again = UnseenItems(tuple(self._range.values())) if self._range else None
        return list(self._frames.values()), again

    def _take(self, run: _Run, most: int) -> None:
        """Move the first items of the first run, `most` of them at the most, to the range."""
        for _ in range(min(run.count, most)):
            self._range[run.first.seq] = self._dropped(run.first, run.reason)
            run.count -= 1
            if run.count:
                run.first = self._past.follower(run.first)
        if not run.count:
            self._runs.popleft()


class _Past:
    """Items that have passed, told again; cheap for those that follow each other closely."""

    def __init__(self, items_since: Callable[[FeedMark], Iterator[BeltItem]]) -> None:
        self._items_since = items_since
        self._items: Iterator[BeltItem] = iter(())
        self._next = math.inf
        """number of the item that comes next"""

    def follower(self, item: BeltItem) -> BeltItem:
        """The one behind an item."""
        if not 0 <= item.seq + 1 - self._next <= _SHORT_WAY:
            self._items, self._next = self._items_since(item.mark), item.seq
        while self._next <= item.seq:
            next(self._items)
            self._next += 1
        self._next += 1
        return next(self._items)
