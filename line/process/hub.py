"""The dispatcher's end: one ROUTER for each role, a feed for observers, a shadow model's frames.

Perhaps it has a remote socket as well, for workers on other machines. Sending never blocks.
"""

from __future__ import annotations

import fcntl
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import zmq

from line.codec import WIDEST, encode
from line.connection_settings import TransportSettings
from line.errors import BadInput
from line.messages import Buffer, Message
from line.process.runtime_dir import FEED, PLACED, ROLES, RUN_KEYS, SHADOW, endpoint
from line.process.socket_owner import BURST, POLLIN, UNHEARD, SocketOwner, drain, send_parts
from line.settings import MessageSettings

if TYPE_CHECKING:  # it takes a while to load, and most lines have no remote socket
    from line.remote.curve import RemoteSocket

REMOTE = "remote"
"""The role of workers on other machines, which have a socket of their own."""
FEW = 2
"""Messages on offer to a shadow model that wait at either end."""
_LARGEST_ANSWER = 65_536
"""Bytes of a part that a worker on another machine may send: an answer of the most classes."""
_LOOK_S = 0.1
"""Between two looks for somebody who begins or ends to hear the feed."""
_IDENTITY = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,79}#[0-9]{1,16}")
"""A process's name and its incarnation."""


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


class Hub(SocketOwner):
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
            self._poller.register(router, POLLIN)
            self._routers[role] = router
        self._cameras = self._routers["camera"]
        self._cameras_wake = True
        self._feed = self._socket(zmq.XPUB)
        self._feed.set(zmq.SNDHWM, UNHEARD)
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
                self._poller.register(self._cameras, POLLIN)
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
            for parts in drain(self._feed):
                self._subscribed = parts[0][:1] == b"\x01"  # the last one to leave says 0
        return self._subscribed

    def publish(self, parts: list[Buffer]) -> None:
        """Tell whoever hears the feed; who is too slow misses it."""
        with suppress(zmq.Again):
            send_parts(self._feed, parts)

    def offer(self, message: Message, payload: Buffer) -> None:
        """Give to the shadow model beside the line, if there is one and it has room."""
        with suppress(zmq.Again):
            send_parts(self._shadow, encode(message, payload))

    def send(self, role: str, peer: str, message: Message, payload: Buffer | None = None) -> bool:
        """Send to one peer; False if there is no such peer (any more)."""
        return self._send_to(role, [peer.encode(), *encode(message, payload)])

    def _send_to(self, role: str, parts: list[Buffer]) -> bool:
        try:
            send_parts(self._routers[role], parts)
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
                for parts, is_here in self._remote.receive(BURST):
                    yield from self._received(role, parts, is_here=is_here)
            else:
                for parts in drain(router):
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
            self._poller.register(self._remote.router, POLLIN)

    def _open_remote(self, address: str, keys: Path, here: str) -> None:
        try:
            self._remote = _remote(self._context, address, keys, self._limits, here)
        except BadInput:
            self.__exit__()
            raise
        self._routers[REMOTE] = self._remote.router
        self._poller.register(self._remote.router, POLLIN)


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


@lru_cache(maxsize=256)
def _identity(sent: bytes) -> str | None:
    """The identity under which somebody is connected; None if it is none of this line's kind."""
    return None if _IDENTITY.fullmatch(sent) is None else sent.decode("ascii")
