"""A few pages over HTTP from one thread that waits for nobody.

Whoever connects may be slow, silent or many: a connection has one time for all of it, however
slowly it trickles, and where there are too many the oldest makes room. So neither the next client
nor the end of whoever serves is held up.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Self

MOST_CLIENTS = 32
WHOLE_REQUEST_S = 5.0
"""From the connection to its end."""
_LONGEST_REQUEST = 8192
_LEAVE_S = 1.0
_REST_S = 0.1
_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time."""

Page = Callable[[], tuple[int, str, bytes]]
"""HTTP status, content type and body."""


class PageServer:
    """Context manager: owns the port and the thread. Raises OSError if the port is taken."""

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._ended = threading.Event()
        self._clients: dict[socket.socket, _Client] = {}
        """the oldest first"""
        self._listener = socket.socket()
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            self._listener.listen(4 * MOST_CLIENTS)
        except OSError:
            self._listener.close()
            raise
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waker, self._alarm = socket.socketpair()
        self._selector.register(self._alarm, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="pages", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):  # the thread has seen it by itself, and is gone
            self._waker.send(b"x")
        self._thread.join(_LEAVE_S)  # a page that takes long is left to its thread
        self._listener.close()
        self._waker.close()

    def _serve(self) -> None:
        try:
            while not self._ended.is_set():
                for key, _ in self._selector.select(self._next_deadline_s()):
                    if key.fileobj is self._listener:
                        self._let_in()
                    elif key.data is not None and not key.data.go_on():
                        self._drop(key.data)
                now = monotonic()
                for client in [c for c in self._clients.values() if c.deadline <= now]:
                    self._drop(client)
        finally:
            for client in list(self._clients.values()):
                self._drop(client)
            self._selector.close()
            self._alarm.close()

    def _next_deadline_s(self) -> float | None:
        oldest = next(iter(self._clients.values()), None)
        return None if oldest is None else max(0.0, oldest.deadline - monotonic())

    def _let_in(self) -> None:
        try:
            end, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:  # no descriptor is left: make room, or wait until there is some
            if not self._drop_oldest():
                self._ended.wait(_REST_S)
            return
        if len(self._clients) >= MOST_CLIENTS:
            self._drop_oldest()
        client = _Client(end, self._pages, self._selector)
        self._clients[end] = client
        self._selector.register(end, selectors.EVENT_READ, data=client)

    def _drop_oldest(self) -> bool:
        for client in self._clients.values():
            self._drop(client)
            return True
        return False

    def _drop(self, client: _Client) -> None:
        if self._clients.pop(client.end, None) is not None:
            self._selector.unregister(client.end)
            if (
                client.owes_reading
            ):  # or the kernel would keep the rest for a peer that reads nothing
                with suppress(OSError):
                    client.end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.end.close()


class _Client:
    """One request and its answer."""

    def __init__(
        self, end: socket.socket, pages: Mapping[str, Page], selector: selectors.BaseSelector
    ) -> None:
        self.end = end
        self.end.setblocking(False)
        self.deadline = monotonic() + WHOLE_REQUEST_S
        self._pages = pages
        self._selector = selector
        self._said = b""
        self._answer: memoryview | None = None

    @property
    def owes_reading(self) -> bool:
        """Whether a part of the answer is still to be sent."""
        return bool(self._answer)

    def go_on(self) -> bool:
        """Read or write what can be; False at the end."""
        try:
            return self._read() if self._answer is None else self._write(self._answer)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _read(self) -> bool:
        chunk = self.end.recv(_CHUNK)
        self._said += chunk
        if not chunk:
            return False
        if b"\r\n\r\n" in self._said or b"\n\n" in self._said or len(self._said) > _LONGEST_REQUEST:
            self._answer = memoryview(_answer(self._said, self._pages))
            self._selector.modify(self.end, selectors.EVENT_WRITE, data=self)
        return True

    def _write(self, answer: memoryview) -> bool:
        if answer:
            self._answer = answer[self.end.send(answer) :]
            if not self._answer:  # a close with something unread would take the answer back
                self.end.shutdown(socket.SHUT_WR)
                self._selector.modify(self.end, selectors.EVENT_READ, data=self)
            return True
        return bool(self.end.recv(_CHUNK))


def _answer(said: bytes, pages: Mapping[str, Page]) -> bytes:
    method, _, rest = said.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path, _, version = rest.rpartition(" ")
    status, kind, body = 400, "text/plain", b"This is no HTTP request.\n"
    if len(said) > _LONGEST_REQUEST:
        status, body = 431, b"This request is too long.\n"
    elif version.startswith("HTTP/1."):
        status, kind, body = _page(method, path.partition("?")[0], pages)
    words = ""
    with suppress(ValueError):
        words = HTTPStatus(status).phrase
    head = (
        f"HTTP/1.1 {status} {words}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)


def _page(method: str, path: str, pages: Mapping[str, Page]) -> tuple[int, str, bytes]:
    page = pages.get(path)
    if page is None:
        return 404, "text/plain", f"There are {' and '.join(pages)}.\n".encode()
    if method not in ("GET", "HEAD"):
        return 405, "text/plain", b"A page can be read, and nothing else.\n"
    try:
        return page()
    except Exception as error:  # one page that goes wrong is not the end of the others
        return 500, "text/plain", f"An error of this page: {type(error).__name__}\n".encode()
