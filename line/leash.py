"""The line between the supervisor and one child: a socket pair carrying JSON, a line a message.

It does not depend on the message plane, so a child can be told to stop, and can say how it fares,
while the dispatcher is dead. It is a leash in both directions: the kernel closes it when either
side dies, and the other side sees that at once.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

Note = dict[str, Any]
MAX_PENDING_BYTES = 1 << 20
"""More than this unread by the other side means that it hangs; further notes are dropped."""


class Leash:
    """One end. Never blocks: notes that the other side has no room for wait here, bounded."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.setblocking(False)
        self._incoming = b""
        self._outgoing = b""
        self.broken = False
        """the other side is gone"""

    @classmethod
    def pair(cls) -> tuple[Leash, socket.socket]:
        """The supervisor's end, and the socket to be inherited by the child."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    @classmethod
    def inherited(cls, fd: int) -> Leash:
        """The child's end, from the descriptor it was started with."""
        return cls(socket.socket(fileno=fd))

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, kind: str, **facts: object) -> None:
        """Send a note, or keep it until the other side reads."""
        if len(self._outgoing) < MAX_PENDING_BYTES:
            self._outgoing += json.dumps({"kind": kind, **facts}).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Try again to send what waits."""
        try:
            while self._outgoing:
                sent = self._end.send(self._outgoing)
                self._outgoing = self._outgoing[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True

    def receive(self) -> Iterator[Note]:
        """All notes that are there; sets `broken` at the end of the line."""
        try:
            while chunk := self._end.recv(1 << 16):
                self._incoming += chunk
            self.broken = True
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True
        *lines, self._incoming = self._incoming.split(b"\n")
        for line in lines:
            yield json.loads(line)

    def close(self) -> None:
        self._end.close()
