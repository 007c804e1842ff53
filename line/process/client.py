"""What camera, worker and sink have in common: a link, a channel, a heartbeat.

The owner calls `exchange` in its loop and is handed the messages meant for it. Greeting the
dispatcher (again, when it restarted), beating, and orders from the supervisor happen here.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import Self

from line.messages import BatchTimes, Beat, Buffer, Hello, Message, Welcome, Who
from line.process.context import ProcessContext
from line.process.control_channel import ControlMessage
from line.process.heartbeat import Heartbeat
from line.process.link import Link
from line.process.runtime_dir import endpoint

_GREETING_S = 2.0
"""Between two beats for the dispatcher: one that does not know us asks who we are. When it is a new
one, the supervisor says so."""


class Client:
    """A process on the message plane. Context manager: owns the link.

    It is ready, and says so to the supervisor, when the dispatcher has welcomed it.

    Attributes:
        drain: the supervisor wants no new work to begin; or it is gone.
        stop: the supervisor wants this process to end now.
        orphaned: monotonic time since which the supervisor is gone, or since which this process,
            which was told to leave, knows that nothing more will be sent to it; or None.
        handled: monotonic time up to which everything that the supervisor has said is known, in a
            camera.
    """

    def __init__(
        self, context: ProcessContext, *, credit: int = 0, batches: BatchTimes | None = None
    ) -> None:
        self.context = context
        self.drain = False
        self.stop = False
        self.orphaned: float | None = None
        self._leaving = False
        self.handled = 0.0
        self.orders: list[ControlMessage] = []
        """notes of the supervisor that are not about ending"""
        self._hello = Hello(context.role, context.name, context.incarnation, credit, batches)
        self._epoch: str | None = None
        address = endpoint(context.runtime_dir, context.role)
        self._link = Link(address, context.identity, context.settings.message)
        self._link.watch(context.channel.fileno())
        self._beat = Heartbeat(context, lambda: self.malformed)
        self._next_greeting = 0.0

    def __enter__(self) -> Self:
        self._link.send(self._hello)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None and not self.stop:  # told to stop, it owes nobody anything
            self._link.linger(1.0)
        self._link.__exit__(kind, error, tb)

    @property
    def malformed(self) -> int:
        """Messages and notes that were counted and ignored."""
        return self._link.malformed + self.context.channel.malformed

    def watch(self, fd: int) -> None:
        """Let `exchange` return when the file descriptor is readable, too."""
        self._link.watch(fd)

    def is_readable(self, fd: int) -> bool:
        """Whether a watched file descriptor was so when `exchange` looked; asked once for each."""
        return self._link.is_readable(fd)

    def send(self, message: Message, payload: Buffer | None = None) -> None:
        self._link.send(message, payload)

    def tell(self, kind: str, **facts: object) -> None:
        """Tell the supervisor, again and again, how things stand: a sign of life as well."""
        self._beat.tell(kind, **facts)

    def exchange(self, until: float | None = None) -> list[tuple[Message, Buffer | None]]:
        """Wait for messages until monotonic time `until` at the latest, or for the next beat.

        A `Welcome` is among the messages only if it opens a new epoch: all that the dispatcher was
        told before is forgotten.
        """
        self._beat()
        if (now := monotonic()) >= self._next_greeting:
            self._next_greeting = now + _GREETING_S
            self._link.send(Beat())
        wake = self._beat.next if until is None else min(until, self._beat.next)
        self._link.wait(wake - monotonic())
        self._handle_channel()
        received: list[tuple[Message, Buffer | None]] = []
        for message, payload in self._link.receive():
            if isinstance(message, Who):
                received.clear()  # from a dispatcher that is gone; not to be answered now
                self._link.send(self._hello)
            elif not isinstance(message, Welcome):
                received.append((message, payload))
            elif self._leaving:  # it comes behind all that was sent before our farewell
                self.orphaned = self.orphaned or monotonic()
            elif message.epoch != self._epoch:
                if self._epoch is None:  # ready means connected
                    self.context.channel.send("ready")
                self._epoch = message.epoch
                received.append((message, payload))
        return received

    def _handle_channel(self) -> None:
        channel = self.context.channel
        # A camera steps its belt up to the moment at which it last looked.
        if self.context.role != "camera" and not self._link.is_readable(channel.fileno()):
            return
        self.handled = monotonic()
        for note in channel.receive():
            if note["kind"] == "drain":
                self.drain = True
            elif note["kind"] == "stop":
                self.stop = True
            elif note["kind"] == "dispatcher":  # there is a new one: let it ask who we are
                self._next_greeting = 0.0
            elif note["kind"] == "leave":
                self._leaving = True
                self._hello = replace(self._hello, credit=0)
                self._link.send(self._hello)
            else:
                self.orders.append(note)
        if channel.broken and self.orphaned is None:
            self.orphaned = monotonic()
            self.drain = True
            self._link.unwatch(channel.fileno())
