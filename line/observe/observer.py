"""Looks on at a running line, from any process of this machine and user, at nobody's cost.

with Observer(control.runtime_dir) as observer:
for event in observer.receive(timeout_s=0.5):
...
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from line.dispatch.feed import Decided, Seen, decode
from line.errors import DecodeError
from line.process.link import Listener
from line.process.runtime_dir import FEED, endpoint


class Observer:
    """Hears the feed of the line whose sockets lie in `runtime_dir`. Context manager.

    Attributes:
        malformed: messages that were counted and ignored.
    """

    def __init__(self, runtime_dir: Path) -> None:
        """Raises BadInput if the path is too long for a socket."""
        self._listener = Listener(endpoint(runtime_dir, FEED))
        self.malformed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def receive(self, timeout_s: float = 0.0) -> list[Seen | Decided]:
        """What has been told since, in order; waits up to `timeout_s` seconds for the first.

        Messages that this process was too slow for are gone. A restarted dispatcher is heard again
        by itself.
        """
        self._listener.wait(timeout_s)
        return [event for parts in self._listener.receive() if (event := self._decoded(parts))]

    def _decoded(self, parts: list[bytes]) -> Seen | Decided | None:
        try:
            return decode(parts)
        except DecodeError:
            self.malformed += 1
            return None
