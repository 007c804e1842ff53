"""The ends of those who talk with the dispatcher: a `Link`, and an observer's `Listener`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import zmq

from line.codec import WIDEST, encode
from line.errors import BadInput
from line.messages import Buffer, Message
from line.process.socket_owner import (
    POLLIN,
    RECONNECT_MS,
    UNHEARD,
    SocketOwner,
    drain,
    send_parts,
)
from line.settings import MessageSettings

if TYPE_CHECKING:  # it takes a while to load, and most lines have no remote socket
    from line.remote.curve import Lock


class Link(SocketOwner):
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
        self._poller.register(self._dealer, POLLIN)
        self._dealer.set(zmq.ROUTING_ID, identity.encode())
        self._dealer.set(zmq.RECONNECT_IVL, RECONNECT_MS)
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
            send_parts(self._dealer, encode(message, payload))
        except zmq.Again:
            if self._monitor is None:
                raise
            # The link to the other machine is broken, which `loss` says or is about to say.

    def receive(self) -> Iterator[tuple[Message, Buffer | None]]:
        """All that is there, without waiting."""
        if not self.is_readable(self._dealer):
            return
        for parts in drain(self._dealer):
            received = self._decoded(parts)
            if received is not None:
                yield received

    def linger(self, timeout_s: float) -> None:
        """Close once everything sent has gone out, at the latest after `timeout_s`."""
        self._poller.unregister(self._dealer)
        self._dealer.close(linger=int(1000 * timeout_s))


class Listener:
    """An observer's end of the feed; mends itself when the dispatcher is a new one.

    With `few` of what the hub offers: no more messages than that wait here.
    """

    def __init__(self, address: str, *, few: int = 0) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sub = self._context.socket(zmq.PULL if few else zmq.SUB)
        self._sub.set(zmq.RCVHWM, few or UNHEARD)
        self._sub.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        if not few:
            self._sub.set(zmq.SUBSCRIBE, b"")
        self._sub.connect(address)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something can be read or the time is over."""
        self._sub.poll(int(1000 * timeout_s))

    def receive(self, most: int = 256) -> Iterator[list[bytes]]:
        """The parts of the messages that are there, without waiting."""
        yield from drain(self._sub, most)

    def close(self) -> None:
        self._context.destroy(linger=0)
