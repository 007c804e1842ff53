"""What every owner of ZeroMQ sockets in the line does: wait, read, send without blocking.

In the line only this file, `hub`, `link` and `line.remote.curve` import ZeroMQ. What cannot be sent
is reported, not waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any, Self

import zmq

from line.codec import decode
from line.errors import DecodeError
from line.messages import Buffer, Message
from line.settings import MessageSettings

RECONNECT_MS = 20
BURST = 256
"""Messages taken from one socket before the others have their turn."""
UNHEARD = 256
"""Messages of the feed that wait for one listener; further ones it misses."""
_OWN_THREAD = 1
"""Bit of the I/O thread that serves the sockets of this machine."""
# Plain numbers: each use of pyzmq's own constants makes an object.
_EVENTS, POLLIN, _NOBLOCK = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)


class SocketOwner:
    """Context manager over a ZeroMQ context and its sockets."""

    def __init__(self, limits: MessageSettings) -> None:
        self._limits = limits
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 64)
        self._poller = zmq.Poller()
        self._readable: set[object] | None = None
        """sockets and descriptors that the last wait found so, and nobody has read since"""
        self.malformed = 0
        """messages that were counted and ignored"""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def watch(self, fd: int) -> None:
        """Let `wait` return when the file descriptor is readable, too."""
        self._poller.register(fd, POLLIN)

    def unwatch(self, fd: int) -> None:
        self._poller.unregister(fd)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something can be read or the time is over."""
        ends = monotonic() + timeout_s
        whole_ms = max(0, int(1000 * timeout_s))
        if whole_ms and self._poll(whole_ms):
            return
        if (rest_s := ends - monotonic()) > 0:
            sleep(rest_s)  # poll counts in milliseconds, a photo-eye should not
        if not whole_ms:  # what came during that rest after a poll, the next one finds
            self._poll(0)

    def _poll(self, whole_ms: int) -> bool:
        """Whether there is anything to be read."""
        self._readable = {source for source, _ in self._poller.poll(whole_ms)}
        return bool(self._readable)

    def is_readable(self, source: object) -> bool:
        """Whether it is worth reading a watched descriptor or a socket; asked once for each wait.

        To ask the sockets themselves takes longer than most of what is done with a message.
        """
        if self._readable is None:
            return True
        found = source in self._readable
        self._readable.discard(source)
        return found

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.AFFINITY, _OWN_THREAD)
        largest_part = max(self._limits.header_bytes, self._limits.picture_bytes)
        socket.set(zmq.MAXMSGSIZE, largest_part)
        # Credits and windows bound what is under way; a high-water mark would drop silently.
        socket.set(zmq.SNDHWM, 0)
        socket.set(zmq.RCVHWM, 0)
        return socket

    def _decoded(self, parts: list[Any]) -> tuple[Message, Buffer | None] | None:
        try:
            return decode(parts, self._limits)
        except DecodeError:
            self.malformed += 1
            return None


def drain(socket: zmq.Socket[bytes], most: int = BURST) -> Iterator[list[bytes]]:
    """The parts of the messages that are there, without waiting."""
    for _ in range(most):
        if not int(socket.get(_EVENTS)) & POLLIN:
            return
        frame = socket.recv(_NOBLOCK, copy=False)
        parts = [frame.bytes]
        while frame.more:
            frame = socket.recv(_NOBLOCK, copy=False)
            parts.append(frame.bytes)
        yield parts


def send_parts(socket: zmq.Socket[bytes], parts: list[Buffer]) -> None:
    """Send one message. Raises zmq.Again where it would have to wait."""
    last = len(parts) - 1
    for number, part in enumerate(parts):
        socket.send(part, _NOBLOCK if number == last else _MORE)
