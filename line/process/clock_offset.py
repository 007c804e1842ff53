"""What another machine's monotonic clock shows, learned by asking."""

from __future__ import annotations

from collections import deque

_REPLIES = 64
"""The last seconds' worth: old enough to hold a quick reply, young enough for clocks that drift."""


class ClockOffset:
    """How far their clock is ahead of ours.

    A reply says that their clock showed `now` at some moment after ours showed `asked`, so
    `now - asked` is the offset plus the time that the question took. The smallest of the last
    replies is nearest, and never too small: in doubt it is later there than it is.
    """

    def __init__(self) -> None:
        self._replies: deque[float] = deque(maxlen=_REPLIES)

    @property
    def known(self) -> bool:
        return bool(self._replies)

    def learn(self, asked: float, now: float) -> None:
        """They were asked at our time `asked`, and read their time `now`."""
        self._replies.append(now - asked)

    def ours(self, theirs: float) -> float:
        """Our time at their time; at the latest."""
        return theirs - min(self._replies)

    def theirs(self, ours: float) -> float:
        """Their time at our time; at the latest."""
        return ours + min(self._replies)
