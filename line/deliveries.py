"""Which outcomes are on their way to which sink: one bounded pipe of credits for each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from line.messages import Key

GATHER_S = 0.01
"""A sink's rest after a batch, so that under load rows are written and acknowledged several at a
time."""


@dataclass(slots=True)
class _Pipe:
    credit: int = 0
    queued: deque[Key] = field(default_factory=deque)
    flying: dict[Key, None] = field(default_factory=dict)
    """sent, not yet stored; a dict because it keeps the order"""
    open: bool = False


class Deliveries:
    """Queues of outcome keys towards named sinks, each limited by the credit its sink grants."""

    def __init__(self, sinks: tuple[str, ...]) -> None:
        self._pipes = {sink: _Pipe() for sink in sinks}

    def is_open(self, sink: str) -> bool:
        return self._pipes[sink].open

    def backlog(self, sink: str) -> int:
        """Outcomes that the sink has yet to store."""
        pipe = self._pipes[sink]
        return len(pipe.queued) + len(pipe.flying)

    def open(self, sink: str, credit: int) -> list[Key]:
        """The sink (re)joins; returns what to send it, first what it never acknowledged."""
        self.close(sink)
        pipe = self._pipes[sink]
        pipe.open, pipe.credit = True, credit
        return self.pull(sink)

    def close(self, sink: str) -> None:
        """The sink is gone; what was under way to it waits again, in the old order."""
        pipe = self._pipes[sink]
        pipe.queued.extendleft(reversed(pipe.flying))
        pipe.flying.clear()
        pipe.open = False

    def push(self, sink: str, key: Key) -> list[Key]:
        """Queue one more; returns it if it may be sent now."""
        pipe = self._pipes[sink]
        if pipe.open and not pipe.queued and len(pipe.flying) < pipe.credit:
            pipe.flying[key] = None
            return [key]
        pipe.queued.append(key)
        return []

    def pull(self, sink: str) -> list[Key]:
        """Take from the queue what the credit allows; whoever settled something has to."""
        pipe = self._pipes[sink]
        taken: list[Key] = []
        while pipe.queued and pipe.open and len(pipe.flying) < pipe.credit:
            key = pipe.queued.popleft()
            pipe.flying[key] = None
            taken.append(key)
        return taken

    def settle(self, sink: str, key: Key) -> None:
        """The sink holds it."""
        pipe = self._pipes[sink]
        if pipe.flying.pop(key, 0) == 0:
            pipe.queued.remove(key)
