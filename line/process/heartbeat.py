"""Tells the supervisor, again and again, that this process lives, and how it fares."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from line.process.context import ProcessContext


class Heartbeat:
    """To be called as often as you like: it beats when it is time. `next`: when, monotonic."""

    def __init__(self, context: ProcessContext, malformed: Callable[[], int] = lambda: 0) -> None:
        """`malformed`: messages and notes that this process has counted and ignored."""
        self._context = context
        self._malformed = malformed
        self.next = 0.0

    def __call__(self) -> None:
        if monotonic() >= self.next:
            self.tell("beat")

    def tell(self, kind: str, **facts: object) -> None:
        """Say something that is a sign of life as well."""
        self.next = monotonic() + self._context.beat_s
        self._context.add_processor_time()
        self._context.channel.send(kind, malformed=self._malformed(), **facts)
