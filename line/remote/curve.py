"""CURVE over TCP, for workers on other machines.

libzmq asks an authenticator about the key of each connection, in a thread of its own. While nobody
answers, nobody gets in: `ZAP_ENFORCE_DOMAIN` sees to it, without which CURVE lets any key in.
"""

from __future__ import annotations

import os
import re
import resource
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import zmq
from zmq.auth import create_certificates, load_certificate
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from line.errors import BadInput

_DOMAIN = "remote"
_HANDSHAKE_MS = 3000
"""A connection that has not proved itself by then is closed."""
_UNREAD_MESSAGES = 128
"""Taken from one worker before it has to wait: what comes in is small, and credits bound it."""
_UNSENT_MESSAGES = 256
"""Kept for one worker that does not read, more than its credit; further ones are refused."""
_MOST_PARTS = 4
"""Of a message, its sender's name included."""
_MOST_PARTS_A_TURN = 4096
_MOST_TURN_S = 0.01
"""Taken from all workers in one go, whatever they send: the line's own sockets wait meanwhile."""
_REOPEN_S = 5.0
_OF_THIS_MACHINE = re.compile(r"localhost:([0-9]+):[0-9]+:[0-9]+")
"""What libzmq says of a peer at a Unix socket: the kernel's word for its user, group and pid."""
_REMOTE_THREAD = 2
"""Bit of the I/O thread for the remote socket: strangers take no time from the line's own."""
_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_LOST = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the line does not let this key in",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "no line answers there that has the key expected",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "no line answers there that has the key expected",
    zmq.EVENT_CLOSED: "nobody listens there",
    zmq.EVENT_DISCONNECTED: "the connection broke",
}

Socket = zmq.Socket[bytes]
NameOf = Callable[[bytes], str | None]
"""The worker that a public key (Z85) belongs to; None for a stranger."""


@dataclass(frozen=True)
class Pair:
    """A key pair in Z85. `secret` is empty where only the public key is known."""

    public: bytes
    secret: bytes = field(repr=False)


def write_certificates(folder: Path, name: str) -> None:
    """Make a pair: `NAME.key` and `NAME.key_secret`, with the permissions that the umask leaves."""
    create_certificates(folder, name)


def new_pair() -> Pair:
    """In memory alone."""
    return Pair(*zmq.curve_keypair())


def is_key(text: bytes) -> bool:
    """Whether it is a key in Z85."""
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (ValueError, KeyError, struct.error):
        return False


def public_certificate(public: bytes) -> bytes:
    """What `NAME.key` of a worker with this key holds."""
    return b'metadata\ncurve\n    public-key = "%s"\n' % public


def read_certificate(path: Path) -> Pair:
    """Either file of a pair. Raises BadInput naming the file."""
    try:
        public, secret = load_certificate(path)
        if not all(map(is_key, filter(None, (public, secret)))):
            raise ValueError
    except (OSError, ValueError, KeyError, struct.error):
        raise BadInput(f"{path}: not a key file") from None
    if path.suffix == ".key_secret" and not secret:
        raise BadInput(f"{path}: holds no secret key")
    return Pair(public, secret or b"")


class _Authenticator(ThreadAuthenticator):
    """Says whose key may come in, and calls the connection by that worker's name."""

    def __init__(self, context: zmq.Context[Socket], name_of: NameOf) -> None:
        super().__init__(context)
        self._name_of = name_of
        self.configure_curve_callback(_DOMAIN, credentials_provider=self)

    def stop(self) -> None:
        if self.pipe and not self.is_alive():
            self.pipe.close(linger=0)
            self.pipe = None  # type: ignore[assignment]  # else it is waited for, though dead
        super().stop()

    def callback(self, domain: str, key: bytes) -> bool:
        return self._name_of(key) is not None

    def curve_user_id(self, client_public_key: bytes) -> str:
        return self._name_of(z85.encode(client_public_key)) or ""


class _Visitors:
    """Counts connections that end without having proved themselves, from a monitor's events.

    A failed handshake is an event, and the end of its connection a later one. What does not even
    begin like ZeroMQ just ends: it is counted if nobody at all has proved himself since it came.
    Which connection proved itself or failed, the events do not say.
    """

    EVENTS = _FAILED | zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED

    def __init__(self) -> None:
        self.strangers = 0
        self._proved = 0
        self._ending = 0
        """failed handshakes whose connections have not ended yet"""
        self._proved_before: dict[int, int] = {}
        """descriptor of a connection → how many had proved themselves when it came"""

    def handle(self, event: int, descriptor: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._proved_before[descriptor] = self._proved
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._proved += 1
        elif event == zmq.EVENT_DISCONNECTED:
            before = self._proved_before.pop(descriptor, None)
            if self._ending:
                self._ending -= 1
            else:
                self.strangers += before == self._proved
        else:
            self.strangers += 1
            self._ending += 1


class RemoteSocket:
    """The dispatcher's ROUTER for workers on other machines; to be closed before its context.

    The context must have two I/O threads.
    """

    def __init__(
        self,
        context: zmq.Context[Socket],
        address: str,
        pair: Pair,
        name_of: NameOf,
        largest: int,
        *,
        here: str = "",
    ) -> None:
        """`largest`: bytes of the longest part taken. `here`: an ipc address to listen at as well.

        Raises BadInput for a useless address.
        """
        self._context = context
        self._address = address
        self._here = here
        self._pair = pair
        self._largest = largest
        self._visitors = _Visitors()
        self._authenticator = _Authenticator(context, name_of)
        self._authenticator.start()
        context.setsockopt(zmq.RCVHWM, 0)  # a monitor that is full would stop the I/O thread
        self._parts: list[zmq.Frame] = []
        """of the message that is being received; those beyond the most are passed over"""
        _allow_many_connections()
        try:
            self._open()
        except BadInput:
            self._authenticator.stop()
            raise

    def _open(self) -> None:
        self.router = self._context.socket(zmq.ROUTER)
        self.router.set(zmq.AFFINITY, _REMOTE_THREAD)
        self.router.set(zmq.LINGER, 0)
        self.router.set(zmq.IPV6, "[" in self._address)
        self.router.set(zmq.ROUTER_MANDATORY, 1)
        self.router.set(zmq.MAXMSGSIZE, self._largest)
        self.router.set(zmq.SNDHWM, _UNSENT_MESSAGES)
        self.router.set(zmq.RCVHWM, _UNREAD_MESSAGES)
        self.router.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        # ZMTP's own heartbeats would let a peer abort this process: libzmq 4.3.5 fails an assertion
        # where one is due on a connection that was closed while its messages had no room.
        self.router.set(zmq.TCP_KEEPALIVE, 1)
        self.router.set(zmq.TCP_KEEPALIVE_IDLE, 5)
        self.router.set(zmq.TCP_KEEPALIVE_INTVL, 1)
        self.router.set(zmq.TCP_KEEPALIVE_CNT, 5)
        self.router.set(zmq.CURVE_SERVER, 1)
        self.router.set(zmq.CURVE_SECRETKEY, self._pair.secret)
        self.router.set(zmq.ZAP_DOMAIN, _DOMAIN.encode())
        self.router.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        self._events = self.router.get_monitor_socket(_Visitors.EVENTS)
        try:
            self.router.bind(self._address)
            if self._here:
                self.router.bind(self._here)
        except zmq.ZMQError as error:
            self._shut()
            raise BadInput(f"transport.listen: {self._address}: {error.strerror}") from None

    def _shut(self) -> None:
        self.router.disable_monitor()
        self._events.close()
        self.router.close()

    def reopen(self) -> None:
        """Drop every connection with all that waits in it; `router` is another one afterwards.

        Raises BadInput if the address is not to be had again.
        """
        self.count_strangers()
        self._shut()
        self._parts.clear()
        deadline = monotonic() + _REOPEN_S
        while True:
            try:
                return self._open()
            except BadInput:
                if monotonic() > deadline:
                    raise
                sleep(0.05)  # libzmq gives an address back a moment after its socket is closed

    def close(self) -> None:
        """Once; not after `reopen` has failed."""
        self._shut()
        self._authenticator.stop()

    def receive(self, most: int) -> Iterator[tuple[list[bytes], bool]]:
        """Up to `most` messages without waiting; none from whoever uses another worker's name.

        With each, whether its sender is this user's, and on this machine for certain.

        A message of too many parts is passed over. However much comes in, a turn is short; the
        next one goes on from there.
        """
        turn_ends = monotonic() + _MOST_TURN_S
        for _ in range(_MOST_PARTS_A_TURN):
            if not most or monotonic() > turn_ends:
                return
            if not int(self.router.get(zmq.EVENTS)) & zmq.POLLIN:
                return
            part = self.router.recv(zmq.NOBLOCK, copy=False)
            if len(self._parts) <= _MOST_PARTS:
                self._parts.append(part)
            if part.more:
                continue
            parts, self._parts = self._parts, []
            name = parts[0].bytes.partition(b"#")[0].decode(errors="replace")
            most -= 1
            if len(parts) <= _MOST_PARTS and name == parts[0]["User-Id"]:
                yield [part.bytes for part in parts], _is_of_this_machine(parts[0])
            else:
                self._visitors.strangers += 1

    def count_strangers(self) -> int:
        """Connections so far that were refused or never said who they were."""
        while self._events.poll(0):
            event = recv_monitor_message(self._events)
            self._visitors.handle(event["event"], event["value"])
        return self._visitors.strangers


def _is_of_this_machine(part: zmq.Frame) -> bool:
    found = _OF_THIS_MACHINE.fullmatch(str(part["Peer-Address"]))
    return found is not None and int(found[1]) == os.geteuid()


@dataclass(frozen=True)
class Lock:
    """A worker's keys: its own pair, and the public key that the line must have."""

    pair: Pair
    server: bytes

    def apply(self, dealer: Socket) -> Socket:
        """Make a DEALER speak to that line alone, and give up when that fails.

        Returns:
            The monitor that `loss` reads.
        """
        dealer.set(zmq.CURVE_SERVERKEY, self.server)
        dealer.set(zmq.CURVE_PUBLICKEY, self.pair.public)
        dealer.set(zmq.CURVE_SECRETKEY, self.pair.secret)
        dealer.set(zmq.RECONNECT_IVL, -1)  # the next try has a socket and an identity of its own
        dealer.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        dealer.set(zmq.CONNECT_TIMEOUT, _HANDSHAKE_MS)
        return dealer.get_monitor_socket(sum(_LOST))


def loss(monitor: Socket) -> str | None:
    """Why the connection is no more; None while it lives."""
    if not monitor.poll(0):
        return None
    return _LOST[zmq.Event(recv_monitor_message(monitor)["event"])]


def _allow_many_connections() -> None:
    """Strangers who knock and say nothing must not use up what the line's own sockets need."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
