"""ZeroMQ, and the only file that imports it.

The dispatcher owns a `Hub`: one ROUTER for each role. Everyone else owns a `Link`: one DEALER.
Sending never blocks; what cannot be sent is reported, not waited for.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any, Self

import zmq

from line.codec import MAX_PAYLOAD_BYTES, decode, encode
from line.errors import BadInput, DecodeError
from line.messages import (
    Buffer,
    Message,
)
from line.runtime_dir import ROLES, endpoint

_RECONNECT_MS = 20


class _Owner:
    """Context manager over a ZeroMQ context and its sockets."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 64)
        self._poller = zmq.Poller()
        self.malformed = 0
        """messages that were counted and ignored"""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def watch(self, fd: int) -> None:
        """Let `wait` return when the file descriptor is readable, too."""
        self._poller.register(fd, zmq.POLLIN)

    def unwatch(self, fd: int) -> None:
        self._poller.unregister(fd)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something can be read or the time is over."""
        whole_ms = max(0, int(timeout_s * 1000))
        if whole_ms == 0 and timeout_s > 0:
            sleep(timeout_s)  # poll counts in milliseconds, a photo-eye should not
        self._poller.poll(whole_ms)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, MAX_PAYLOAD_BYTES)
        # Credits and windows bound what is under way; a high-water mark would drop silently.
        socket.set(zmq.SNDHWM, 0)
        socket.set(zmq.RCVHWM, 0)
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _decoded(self, parts: list[Any]) -> tuple[Message, Buffer | None] | None:
        try:
            return decode(parts)
        except DecodeError:
            self.malformed += 1
            return None


class Link(_Owner):
    """A process's connection to the dispatcher. `identity` is fresh for every incarnation."""

    def __init__(self, address: str, identity: str) -> None:
        super().__init__()
        self._dealer = self._socket(zmq.DEALER)
        self._dealer.set(zmq.ROUTING_ID, identity.encode())
        self._dealer.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._dealer.connect(address)

    def send(self, message: Message, payload: Buffer | None = None) -> None:
        _send(self._dealer, encode(message, payload))

    def receive(self) -> Iterator[tuple[Message, Buffer | None]]:
        """All that is there, without waiting."""
        for parts in _drain(self._dealer):
            received = self._decoded(parts)
            if received is not None:
                yield received

    def linger(self, timeout_s: float) -> None:
        """Close once everything sent has gone out, at the latest after `timeout_s`."""
        self._poller.unregister(self._dealer)
        self._dealer.close(linger=int(1000 * timeout_s))


class Hub(_Owner):
    """The dispatcher's three sockets, in a directory that only one hub may use at a time."""

    def __init__(self, runtime_dir: Path) -> None:
        addresses = {role: endpoint(runtime_dir, role) for role in ROLES}
        # A second bind on an ipc path would steal it without a word.
        self._lock = (runtime_dir / "dispatcher.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise BadInput(f"{runtime_dir}: another dispatcher holds this directory") from None
        super().__init__()
        self._routers: dict[str, zmq.Socket[bytes]] = {}
        for role, address in addresses.items():
            router = self._socket(zmq.ROUTER)
            router.set(zmq.ROUTER_MANDATORY, 1)
            router.bind(address)
            self._routers[role] = router

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._lock.close()

    def send(self, role: str, peer: str, message: Message, payload: Buffer | None = None) -> bool:
        """Send to one peer; False if there is no such peer (any more)."""
        try:
            _send(self._routers[role], [peer.encode(), *encode(message, payload)])
        except zmq.ZMQError as error:
            if error.errno in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                return False
            raise
        return True

    def receive(self) -> Iterator[tuple[str, str, Message, Buffer | None]]:
        """(role, peer, message, payload) of all that is there, without waiting."""
        for role, router in self._routers.items():
            for parts in _drain(router):
                try:
                    peer = parts[0].decode("ascii")
                except UnicodeDecodeError:
                    self.malformed += 1
                    continue
                received = self._decoded(parts[1:])
                if received is not None:
                    yield role, peer, *received


_BURST = 256
"""Messages taken from one socket before the others have their turn."""


def _drain(socket: zmq.Socket[bytes]) -> Iterator[list[bytes]]:
    for _ in range(_BURST):
        if not int(socket.get(zmq.EVENTS)) & zmq.POLLIN:
            return
        yield socket.recv_multipart(zmq.NOBLOCK)


def _send(socket: zmq.Socket[bytes], parts: list[Buffer]) -> None:
    socket.send_multipart(parts, zmq.NOBLOCK)
