"""Which outcomes are on their way to the CSV log, limited by the credit that it grants."""

from __future__ import annotations

from collections import deque

from line.messages import Key

GATHER_S = 0.03
"""Between two messages to the log, so that under load rows travel, are written and acknowledged
several at a time."""


class LogQueue:
    """Keys of outcomes in the order of their decisions: first those that wait, then those sent."""

    def __init__(self) -> None:
        self._credit = 0
        self._is_open = False
        self._waiting: deque[Key] = deque()
        self._sent: dict[Key, None] = {}
        """not yet stored; a dict because it keeps the order"""

    def __len__(self) -> int:
        """Outcomes that the log has yet to store."""
        return len(self._waiting) + len(self._sent)

    def open(self, credit: int) -> list[Key]:
        """The log (re)joins; returns what to send it, first what it never acknowledged."""
        self.close()
        self._is_open, self._credit = True, credit
        return self.pull()

    def close(self) -> None:
        """The log is gone; what was under way to it waits again, in the old order."""
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._is_open = False

    def push(self, key: Key) -> list[Key]:
        """Queue one more; returns it if it may be sent now."""
        if self._is_open and not self._waiting and len(self._sent) < self._credit:
            self._sent[key] = None
            return [key]
        self._waiting.append(key)
        return []

    def pull(self) -> list[Key]:
        """Take from the queue what the credit allows; whoever settled something has to."""
        taken: list[Key] = []
        while self._waiting and self._is_open and len(self._sent) < self._credit:
            key = self._waiting.popleft()
            self._sent[key] = None
            taken.append(key)
        return taken

    def settle(self, key: Key) -> None:
        """The log holds it."""
        if self._sent.pop(key, 0) == 0:
            self._waiting.remove(key)
