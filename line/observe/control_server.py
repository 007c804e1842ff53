"""Where a running line takes orders and tells how it fares: a unix socket in its own directory.

Lines of JSON, a `ControlChannel` on both ends; `line.observe.control_client` is the other one.
Whoever connects may be slow, wrong or hostile at no cost to the line: nothing waits for a client,
what it says is bounded, and one that does not read or talks too much is disconnected.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Self

from line.errors import BadInput
from line.observe.orders import Order, parse_order
from line.process.control_channel import ControlChannel, ControlMessage
from line.run_files.line_logs import OrderLog

MOST_CLIENTS = 16
_NOTES_PER_S = 50
"""A client that says more is disconnected."""
_LONGEST_NAME = 80
_PATIENCE_S = 5.0
"""A client that has not read for so long is disconnected."""
_CREDENTIALS = struct.Struct("3i")
"""Process, user and group at the other end, as Linux tells them."""
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_LARGEST_ID = 1 << 63

Done = dict[str, Any]
CarryOut = Callable[[Order], Done | Future[Done]]


class ControlSocket:
    """Context manager: owns the socket and its clients, and their places in the selector.

    What the selector returns for them carries a function that handles them.
    """

    def __init__(
        self,
        path: Path,
        selector: selectors.BaseSelector,
        carry_out: CarryOut,
        orders: Callable[[], int],
        log: OrderLog,
        console_address: str | None = None,
    ) -> None:
        self._selector = selector
        self._carry_out = carry_out
        self._orders = orders
        """how many were carried out in the run, as in `status`"""
        self._log = log
        self._console_address = console_address
        """with the token; told to whoever may open this socket, and written nowhere"""
        self._clients: list[_Client] = []
        self._path = path
        self._listener = _bound(path)
        self._listens = False

    def __enter__(self) -> Self:
        self._listen_at(True)
        return self

    def __exit__(self, *_: object) -> None:
        for client in list(self._clients):
            self._hang_up(client)
        self._listen_at(False)
        self._listener.close()

    def bind_again(self) -> None:
        """Its file is gone; whoever is connected stays. Raises OSError if it cannot be made."""
        new = _bound(self._path)
        self._listen_at(False)
        self._listener.close()
        self._listener = new
        self._listen_at(True)

    def _listen_at(self, wanted: bool) -> None:
        """Have new clients noticed, or not."""
        if wanted and not self._listens:
            self._selector.register(self._listener, selectors.EVENT_READ, data=self._let_in)
        elif self._listens and not wanted:
            self._selector.unregister(self._listener)
        self._listens = wanted

    def look_around(self, status: Callable[[], ControlMessage]) -> None:
        """Called several times a second: tell those who watch, disconnect those that hang."""
        now = monotonic()
        self._listen_at(True)
        for client in list(self._clients):
            client.channel.flush()
            if client.channel.broken or client.hangs(now):
                self._hang_up(client)
        watching = [client for client in self._clients if client.watches]
        if watching:
            note = status()
            for client in watching:
                if not client.channel.pending:  # who is slow misses some
                    client.channel.send("status", **note)

    def _let_in(self) -> None:
        try:
            end, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTORS:  # it would be noticed again at once, for nothing
                self._listen_at(False)
            return
        if not (_is_ours(end) and self._makes_room()):
            end.close()
            return
        client = _Client(ControlChannel(end))
        self._clients.append(client)
        handle = lambda: self._listen(client)  # noqa: E731
        self._selector.register(end.fileno(), selectors.EVENT_READ, data=handle)

    def _makes_room(self) -> bool:
        """There is room for one more; else whoever has said nothing for longest goes.

        Those who watch stay, and those who wait for an answer.
        """
        if len(self._clients) < MOST_CLIENTS:
            return True
        idle = [client for client in self._clients if not (client.watches or client.waits)]
        if not idle:
            return False
        self._hang_up(min(idle, key=lambda client: client.last_sense))
        return True

    def _hang_up(self, client: _Client) -> None:
        if client not in self._clients:
            return
        client.channel.flush()
        self._selector.unregister(client.channel.fileno())
        client.channel.close()
        self._clients.remove(client)

    def _listen(self, client: _Client) -> None:
        if client not in self._clients:  # it had to make room a moment ago
            return
        for note in client.channel.receive():
            if not client.may_speak(monotonic()):
                break
            self._handle(client, note)
        else:
            if not (client.channel.broken or client.channel.malformed):
                return
        if client.channel.malformed:
            client.channel.send("answer", id=None, done=False, reason="not a line of JSON")
        self._hang_up(client)

    def _handle(self, client: _Client, note: ControlMessage) -> None:
        if not _is_id(note.get("id")):
            reason = f"id: a text of up to {_LONGEST_NAME} characters, a whole number, or nothing"
            client.channel.send("answer", id=None, done=False, reason=reason)
        elif note["kind"] == "watch":
            client.watches = True
        elif note["kind"] == "order":
            self._take_order(client, note)
        elif note["kind"] == "console_address":
            client.channel.send("console_address", address=self._console_address)
        else:
            reason = f"{note['kind'][:40]}: neither an order nor watch"
            client.channel.send("answer", id=note.get("id"), done=False, reason=reason)

    def _take_order(self, client: _Client, note: ControlMessage) -> None:
        answer = partial(client.channel.send, "answer", id=note.get("id"))
        who, facts = note.get("who"), note.get("order")
        if not isinstance(who, str) or not 1 <= len(who) <= _LONGEST_NAME:
            answer(done=False, reason=f"who: a name of 1 to {_LONGEST_NAME} characters")
        elif not isinstance(facts, dict):
            answer(done=False, reason="order: an object with an action")
        else:
            client.last_sense = monotonic()
            client.waits += 1

            def tell(coming: Future[Done]) -> None:
                said = _outcome(coming)
                self._log.append(who, facts, said)
                client.waits -= 1
                answer(**said, orders=self._orders())

            self._begin(facts).add_done_callback(tell)

    def _begin(self, facts: ControlMessage) -> Future[Done]:
        """What the order comes to, now or later."""
        coming: Future[Done] = Future()
        try:
            done = self._carry_out(parse_order(facts))
        except Exception as refusal:
            coming.set_exception(refusal)
            return coming
        if isinstance(done, Future):
            return done
        coming.set_result(done)
        return coming


def _is_id(value: object) -> bool:
    """Whether it may be told back with an answer."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_NAME
    return value is None or (type(value) is int and abs(value) <= _LARGEST_ID)


def _is_ours(end: socket.socket) -> bool:
    """Whether this user or root is at the other end; the folder's mode says so already."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    try:
        found = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return False
    return _CREDENTIALS.unpack(found)[1] in (os.geteuid(), 0)


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    listener.listen(MOST_CLIENTS)
    listener.setblocking(False)
    return listener


def _outcome(ended: Future[Done]) -> ControlMessage:
    """A bug in what an order asks for is told to whoever gave it, and costs the line nothing."""
    try:
        return {"done": True, "facts": ended.result()}
    except BadInput as refusal:
        return {"done": False, "reason": str(refusal)}
    except Exception as error:
        traceback.print_exc()
        return {"done": False, "reason": f"an error of the line: {type(error).__name__}: {error}"}


class _Client:
    def __init__(self, channel: ControlChannel) -> None:
        self.channel = channel
        self.watches = False
        self.waits = 0
        """orders that are not answered yet"""
        self.last_sense = monotonic()
        """when it last gave an order, or came"""
        self._second = 0.0
        self._notes = 0
        self._last_read = monotonic()

    def may_speak(self, now: float) -> bool:
        """Count one note more; False if there were too many of late."""
        if now >= self._second + 1:
            self._second, self._notes = now, 0
        self._notes += 1
        return self._notes <= _NOTES_PER_S

    def hangs(self, now: float) -> bool:
        """Something has waited for too long to be read."""
        if not self.channel.pending:
            self._last_read = now
        return now - self._last_read > _PATIENCE_S
