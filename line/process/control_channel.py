"""The line between the supervisor and one child: a socket pair carrying JSON, a line a message.

It does not depend on the message plane, so a child can be told to stop, and can say how it fares,
while the dispatcher is dead. It is a channel in both directions: the kernel closes it when either
side dies, and the other side sees that at once.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from line.errors import DecodeError

ControlMessage = dict[str, Any]
MAX_PENDING_BYTES = 1 << 20
"""More than this unread by the other side means that it hangs; further notes are dropped."""
MAX_NOTE_BYTES = 1 << 20
_TURN_BYTES = 1 << 20
"""Taken from the other side in one go; more than a socket pair holds."""


def decode_note(line: bytes) -> ControlMessage:
    """The note in a line. Raises DecodeError unless it is a JSON object with a `kind`."""
    try:
        note = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"not JSON: {error}") from None
    if not isinstance(note, dict) or not isinstance(note.get("kind"), str):
        raise DecodeError("not a note: an object with a kind")
    return note


class ControlChannel:
    """One end. Never blocks: notes that the other side has no room for wait here, bounded."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.setblocking(False)
        self._incoming = b""
        self._outgoing = b""
        self.broken = False
        """the other side is gone"""
        self.malformed = 0
        """lines that were counted and ignored"""

    @classmethod
    def pair(cls) -> tuple[ControlChannel, socket.socket]:
        """The supervisor's end, and the socket to be inherited by the child."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    @classmethod
    def inherited(cls, fd: int) -> ControlChannel:
        """The child's end, from the descriptor it was started with."""
        return cls(socket.socket(fileno=fd))

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, kind: str, **facts: object) -> None:
        """Send a note, or keep it until the other side reads."""
        self.add(kind, **facts)
        self.flush()

    def add(self, kind: str, **facts: object) -> None:
        """Send a note together with the next: the other side wakes up once for both."""
        if len(self._outgoing) < MAX_PENDING_BYTES:
            self._outgoing += json.dumps({"kind": kind, **facts}).encode() + b"\n"

    @property
    def pending(self) -> bool:
        """Something waits for the other side to read."""
        return bool(self._outgoing)

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

    def receive(self) -> Iterator[ControlMessage]:
        """All notes that are there; sets `broken` at the end of the line."""
        self._take()
        *lines, self._incoming = self._incoming.split(b"\n")
        if len(self._incoming) > MAX_NOTE_BYTES:
            self._incoming = b""
            self.malformed += 1
        for line in lines:
            try:
                yield decode_note(line)
            except DecodeError:
                self.malformed += 1

    def _take(self) -> None:
        taken = 0
        try:
            while taken < _TURN_BYTES:
                chunk = self._end.recv(1 << 16)
                if not chunk:
                    self.broken = True
                    return
                self._incoming += chunk
                taken += len(chunk)
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True

    def close(self) -> None:
        self._end.close()
