"""ZeroMQ, which of the line only this file and `line.remote.curve` import.

The dispatcher owns a `Hub`: one ROUTER for each role, a feed for observers, and perhaps a remote
socket for workers on other machines. Everyone else owns a `Link`: one DEALER; an observer a
`Listener`. Sending never blocks; what cannot be sent is reported, not waited for.
"""

from __future__ import annotations

import fcntl
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import zmq

from line.codec import WIDEST, decode, encode
from line.connection_settings import TransportSettings
from line.errors import BadInput, DecodeError
from line.messages import Buffer, Message
from line.process.runtime_dir import FEED, PLACED, ROLES, RUN_KEYS, SHADOW, endpoint
from line.settings import MessageSettings

if TYPE_CHECKING:  # it takes a while to load, and most lines have no remote socket
    from line.remote.curve import Lock, RemoteSocket

_RECONNECT_MS = 20
_OWN_THREAD = 1
"""Bit of the I/O thread that serves the sockets of this machine."""


class _Owner:
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
        self._poller.register(fd, _POLLIN)

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


class Link(_Owner):
    """A process's connection to the dispatcher. `identity` is fresh for every incarnation."""

    def __init__(
        self,
        address: str,
        identity: str,
        limits: MessageSettings = WIDEST,
        lock: Lock | None = None,
    ) -> None:
        """`lock`: for another machine's dispatcher; such a link is not mended when it breaks."""
        super().__init__(limits)
        self._dealer = self._socket(zmq.DEALER)
        self._poller.register(self._dealer, _POLLIN)
        self._dealer.set(zmq.ROUTING_ID, identity.encode())
        self._dealer.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._dealer.set(zmq.IPV6, "[" in address)
        self._monitor = lock.apply(self._dealer) if lock else None
        try:
            self._dealer.connect(address)
        except zmq.ZMQError as error:
            self.__exit__()
            raise BadInput(f"{address}: {error.strerror}") from None

    @property
    def loss(self) -> str | None:
        """Why the link to another machine is broken; None while it is not, or not known to be."""
        from line.remote.curve import loss

        return None if self._monitor is None else loss(self._monitor)

    def send(self, message: Message, payload: Buffer | None = None) -> None:
        try:
            _send(self._dealer, encode(message, payload))
        except zmq.Again:
            if self._monitor is None:
                raise
            # The link to the other machine is broken, which `loss` says or is about to say.

    def receive(self) -> Iterator[tuple[Message, Buffer | None]]:
        """All that is there, without waiting."""
        if not self.is_readable(self._dealer):
            return
        for parts in _drain(self._dealer):
            received = self._decoded(parts)
            if received is not None:
                yield received

    def linger(self, timeout_s: float) -> None:
        """Close once everything sent has gone out, at the latest after `timeout_s`."""
        self._poller.unregister(self._dealer)
        self._dealer.close(linger=int(1000 * timeout_s))


class Received(NamedTuple):
    """What a peer said to the hub. `packed`: the message's parts as they came.

    `is_here`: a remote peer of this user's, on this machine: it can have the pictures' memory.
    """

    role: str
    peer: str
    message: Message
    payload: Buffer | None
    packed: Sequence[Buffer]
    is_here: bool = False


class Hub(_Owner):
    """The dispatcher's three sockets, in a directory that only one hub may use at a time.

    With `transport.listen` it has a fourth, under the role "remote". What comes in there is from
    the worker whose name the peer's begins with: its key says so. Where `transport` names no keys
    they are those that were made for the run, and workers of this machine may come by ipc.
    """

    def __init__(
        self,
        runtime_dir: Path,
        limits: MessageSettings = WIDEST,
        transport: TransportSettings | None = None,
    ) -> None:
        addresses = {role: endpoint(runtime_dir, role) for role in ROLES}
        # A second bind on an ipc path would steal it without a word.
        self._lock = (runtime_dir / "dispatcher.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise BadInput(f"{runtime_dir}: another dispatcher holds this directory") from None
        super().__init__(limits)
        self._context.set(zmq.IO_THREADS, 2)
        self._routers: dict[str, zmq.Socket[bytes]] = {}
        for role, address in addresses.items():
            router = self._socket(zmq.ROUTER)
            router.set(zmq.ROUTER_MANDATORY, 1)
            router.bind(address)
            self._poller.register(router, _POLLIN)
            self._routers[role] = router
        self._cameras = self._routers["camera"]
        self._cameras_wake = True
        self._feed = self._socket(zmq.XPUB)
        self._feed.set(zmq.SNDHWM, _UNHEARD)
        self._feed.bind(endpoint(runtime_dir, FEED))
        self._subscribed, self._next_look = False, 0.0
        self._shadow = self._socket(zmq.PUSH)
        self._shadow.set(zmq.SNDHWM, FEW)
        self._shadow.bind(endpoint(runtime_dir, SHADOW))
        self._remote: RemoteSocket | None = None
        if transport is not None and transport.listen:
            if transport.keys:
                self._open_remote(transport.listen, Path(transport.keys), "")
            else:
                here = endpoint(runtime_dir, PLACED)
                self._open_remote(transport.listen, runtime_dir / RUN_KEYS, here)

    def __exit__(self, *_: object) -> None:
        if self._remote is not None:
            self._remote.close()
        super().__exit__()
        self._lock.close()

    def wait_for(self, timeout_s: float, *, cameras: bool) -> None:
        """As `wait`, in whole milliseconds, rounded up.

        Without `cameras` their messages do not end it, and are read when something else did: a
        frame that no worker has room for can wait where it is, and to wake up takes longer than
        most of what is done with a frame.
        """
        if cameras != self._cameras_wake:
            self._cameras_wake = cameras
            if cameras:
                self._poller.register(self._cameras, _POLLIN)
            else:
                self._poller.unregister(self._cameras)
        self._poll(math.ceil(max(0.0, 1000 * timeout_s)))
        if not cameras and self._readable is not None:
            self._readable.add(self._cameras)

    @property
    def strangers(self) -> int:
        """Connections from other machines that were refused so far."""
        return 0 if self._remote is None else self._remote.count_strangers()

    def has_listeners(self) -> bool:
        """Whether anybody hears the feed, or did a moment ago."""
        if (now := monotonic()) >= self._next_look:
            self._next_look = now + _LOOK_S
            for parts in _drain(self._feed):
                self._subscribed = parts[0][:1] == b"\x01"  # the last one to leave says 0
        return self._subscribed

    def publish(self, parts: list[Buffer]) -> None:
        """Tell whoever hears the feed; who is too slow misses it."""
        with suppress(zmq.Again):
            _send(self._feed, parts)

    def offer(self, message: Message, payload: Buffer) -> None:
        """Give to the shadow model beside the line, if there is one and it has room."""
        with suppress(zmq.Again):
            _send(self._shadow, encode(message, payload))

    def send(self, role: str, peer: str, message: Message, payload: Buffer | None = None) -> bool:
        """Send to one peer; False if there is no such peer (any more)."""
        return self._send_to(role, [peer.encode(), *encode(message, payload)])

    def _send_to(self, role: str, parts: list[Buffer]) -> bool:
        try:
            _send(self._routers[role], parts)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                return False
            raise
        return True

    def forward(self, role: str, peer: str, packed: Sequence[Buffer]) -> bool:
        """Send on what `receive` gave as it came, without packing it again; see `send`."""
        return self._send_to(role, [peer.encode(), *packed])

    def receive(self) -> Iterator[Received]:
        """All that is there, without waiting."""
        for role, router in self._routers.items():
            if not self.is_readable(router):
                continue
            if role == REMOTE and self._remote is not None:
                for parts, is_here in self._remote.receive(_BURST):
                    yield from self._received(role, parts, is_here=is_here)
            else:
                for parts in _drain(router):
                    yield from self._received(role, parts)

    def _received(
        self, role: str, parts: list[bytes], *, is_here: bool = False
    ) -> Iterator[Received]:
        peer = _identity(parts[0])
        if peer is None:
            self.malformed += 1
            return
        packed = parts[1:]
        received = self._decoded(packed)
        if received is not None:
            yield Received(role, peer, *received, packed, is_here)

    def reopen_remote(self) -> None:
        """Drop every connection from other machines with all that waits in it."""
        if self._remote is not None:
            self._poller.unregister(self._remote.router)
            self._remote.reopen()
            self._routers[REMOTE] = self._remote.router
            self._poller.register(self._remote.router, _POLLIN)

    def _open_remote(self, address: str, keys: Path, here: str) -> None:
        try:
            self._remote = _remote(self._context, address, keys, self._limits, here)
        except BadInput:
            self.__exit__()
            raise
        self._routers[REMOTE] = self._remote.router
        self._poller.register(self._remote.router, _POLLIN)


class Listener:
    """An observer's end of the feed; mends itself when the dispatcher is a new one.

    With `few` of what the hub offers: no more messages than that wait here.
    """

    def __init__(self, address: str, *, few: int = 0) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sub = self._context.socket(zmq.PULL if few else zmq.SUB)
        self._sub.set(zmq.RCVHWM, few or _UNHEARD)
        self._sub.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
        if not few:
            self._sub.set(zmq.SUBSCRIBE, b"")
        self._sub.connect(address)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something can be read or the time is over."""
        self._sub.poll(int(1000 * timeout_s))

    def receive(self, most: int = 256) -> Iterator[list[bytes]]:
        """The parts of the messages that are there, without waiting."""
        yield from _drain(self._sub, most)

    def close(self) -> None:
        self._context.destroy(linger=0)


def check_remote(transport: TransportSettings) -> None:
    """Raises BadInput, naming the setting or file, if no remote socket could be opened.

    Without keys they are made for the run, and there is nothing to look at.
    """
    if transport.listen and transport.keys:
        with zmq.Context() as context:
            context.set(zmq.IO_THREADS, 2)
            _remote(context, transport.listen, Path(transport.keys), WIDEST).close()


def _remote(
    context: zmq.Context[zmq.Socket[bytes]],
    address: str,
    folder: Path,
    limits: MessageSettings,
    here: str = "",
) -> RemoteSocket:
    from line.remote.curve import RemoteSocket
    from line.remote.keys import LineKeys

    keys = LineKeys(folder)
    largest = min(limits.header_bytes, _LARGEST_ANSWER)
    return RemoteSocket(context, address, keys.pair(), keys.name_of, largest, here=here)


REMOTE = "remote"
"""The role of workers on other machines, which have a socket of their own."""
_IDENTITY = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,79}#[0-9]{1,16}")
"""A process's name and its incarnation."""


@lru_cache(maxsize=256)
def _identity(sent: bytes) -> str | None:
    """The identity under which somebody is connected; None if it is none of this line's kind."""
    return None if _IDENTITY.fullmatch(sent) is None else sent.decode("ascii")


_LARGEST_ANSWER = 65_536
"""Bytes of a part that a worker on another machine may send: an answer of the most classes."""
_BURST = 256
"""Messages taken from one socket before the others have their turn."""
FEW = 2
"""Messages on offer that wait at either end."""
_LOOK_S = 0.1
"""Between two looks for somebody who begins or ends to hear the feed."""
_UNHEARD = 256
"""Messages of the feed that wait for one listener; further ones it misses."""


# Plain numbers: each use of pyzmq's own constants makes an object.
_EVENTS, _POLLIN, _NOBLOCK = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)


def _drain(socket: zmq.Socket[bytes], most: int = _BURST) -> Iterator[list[bytes]]:
    for _ in range(most):
        if not int(socket.get(_EVENTS)) & _POLLIN:
            return
        frame = socket.recv(_NOBLOCK, copy=False)
        parts = [frame.bytes]
        while frame.more:
            frame = socket.recv(_NOBLOCK, copy=False)
            parts.append(frame.bytes)
        yield parts


def _send(socket: zmq.Socket[bytes], parts: list[Buffer]) -> None:
    last = len(parts) - 1
    for number, part in enumerate(parts):
        socket.send(part, _NOBLOCK if number == last else _MORE)
