"""Sleeps until a ZeroMQ socket or a descriptor can be read, to a fraction of a millisecond.

libzmq's own poll counts in whole milliseconds, and asks the kernel about every socket several times
over. A socket's descriptor says that it is worth asking the socket, no more; and what a socket has
taken in while it sent something, its descriptor does not say at all.
"""

from __future__ import annotations

import select
from collections.abc import Set as AbstractSet
from time import monotonic

import zmq

Source = int | zmq.Socket[bytes]

# Plain numbers: each use of pyzmq's own constants makes an object.
_EVENTS, _FD, _POLLIN = int(zmq.EVENTS), int(zmq.FD), int(zmq.POLLIN)


def has_message(socket: zmq.Socket[bytes]) -> bool:
    """Whether the socket can be read."""
    return bool(int(socket.get(_EVENTS)) & _POLLIN)


class Sources:
    """The sockets and descriptors that one process waits for."""

    def __init__(self) -> None:
        self._of_fd: dict[int, Source] = {}
        self._sockets: list[zmq.Socket[bytes]] = []

    def add(self, source: Source) -> None:
        self._of_fd[_fd(source)] = source
        if not isinstance(source, int):
            self._sockets.append(source)

    def remove(self, source: Source) -> None:
        """A socket: before it is closed."""
        del self._of_fd[_fd(source)]
        if not isinstance(source, int):
            self._sockets.remove(source)

    def wait(self, timeout_s: float) -> AbstractSet[Source]:
        """Those that can be read, as soon as there is one; none if the time is over before."""
        ends = monotonic() + timeout_s
        while True:
            found: set[Source] = {socket for socket in self._sockets if has_message(socket)}
            rest_s = 0.0 if found else max(0.0, ends - monotonic())
            for fd in select.select(self._of_fd, (), (), rest_s)[0]:
                source = self._of_fd[fd]
                if isinstance(source, int) or has_message(source):
                    found.add(source)
            if found or monotonic() >= ends:
                return found


def _fd(source: Source) -> int:
    return source if isinstance(source, int) else int(source.get(_FD))
