"""The items of a lane in their order, and places in it to go on from.

The feeder has a clock of its own, which knows no pauses and no surges. An item is fed a gap later,
by that clock, than the one before it, so the whole lane hangs on one number: a `FeedMark` has it
for some item, and from there the feed goes on without its past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from line.errors import BadInput

_TURN_ITEMS = 1024


@dataclass(frozen=True, slots=True)
class FeedMark:
    """A place in a lane's feed: everything from item `seq` on follows from here."""

    seq: int = 0
    feeder_s: float = 0.0
    """the feeder's own time when it set item seq − 1 on the belt"""


class Feed(Protocol):
    """The items of one lane."""

    def since(self, mark: FeedMark) -> Iterator[tuple[float, float]]:
        """Of items `mark.seq`, `mark.seq` + 1 …: the feeder's own time, and belt time, s."""


def mark_at(feed: Feed, seq: int, known: FeedMark, turn: Callable[[], None]) -> FeedMark:
    """The mark of item `seq`, worked out from a `known` one at or before it.

    `turn` is called now and then: it is a long way from the first item to the millionth.

    Raises:
        BadInput: if the feed has no item before `seq`.
    """
    mark = known
    times = feed.since(known)
    for number in range(known.seq, seq):
        if number % _TURN_ITEMS == 0:
            turn()
        found = next(times, None)
        if found is None:
            raise BadInput(f"the lane feeds {number} items, not the {seq + 1} that are settled")
        mark = FeedMark(number + 1, found[0])
    return mark
