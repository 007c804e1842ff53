"""The items that are yet to be fed, one after the other, and how soon each of them is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from time import monotonic

from line.belt_time import Clock
from producers.belt import BeltItem
from producers.feed import FeedMark

ItemsSince = Callable[[FeedMark], Iterator[BeltItem]]
"""A lane's items from a mark on, as they are known to come to the photo-eye."""


class Upcoming:
    """A place among the items, which moves on by `step`."""

    def __init__(self, items_since: ItemsSince, first: FeedMark, speed: float) -> None:
        """`speed`: the clock's multiplier, until its belt runs."""
        self._items_since = items_since
        self._speed = speed
        self._clock: Clock | None = None
        self._mark = first
        """of the item that was fed last, or that is fed first"""
        self._first_s: float | None = None
        """belt time at which the first item is fed"""
        self.replan()

    def follow(self, items_since: ItemsSince, clock: Clock) -> None:
        """The belt is about to run."""
        self._items_since, self._clock = items_since, clock
        self.replan()

    @property
    def belt_stands(self) -> bool:
        """It has not begun to run."""
        return self._clock is None

    def fed(self, item: BeltItem) -> None:
        """An item is on the belt."""
        if item.seq > self._mark.seq:
            self._mark = item.mark

    def replan(self) -> None:
        """Begin again behind what was fed: items may come at other moments than they were to."""
        self._items = self._items_since(self._mark)
        self._item: BeltItem | None = None
        self.is_at_end = False
        """no item is left"""
        self.seq: float = self._mark.seq
        """of the item at this place; infinite behind the last one"""

    def item(self) -> BeltItem | None:
        """The one at this place; None behind the last one."""
        if self._item is None and not self.is_at_end:
            self._item = next(self._items, None)
            self.is_at_end = self._item is None
            self.seq = math.inf if self._item is None else self._item.seq
            if self._first_s is None and self._item is not None:
                self._first_s = self._item.fed_s
        return self._item

    def step(self) -> None:
        """On to the next one."""
        self._item = None
        self.seq += 1

    def ahead_s(self, item: BeltItem) -> float:
        """Wall time from now until it is fed; from the first item, as long as the belt stands."""
        if self._clock is not None:
            return self._clock.wall(item.fed_s) - monotonic()
        assert self._first_s is not None
        return (item.fed_s - self._first_s) / self._speed
