"""A way between workers and dispatcher that can be cut for a while: bytes wait, nobody is told."""

from __future__ import annotations

import random
import selectors
import socket
from contextlib import suppress
from threading import Thread
from time import monotonic

_CHUNK = 1 << 18
_LOOK_S = 0.05


class Links:
    """Passes on what comes to `there`. Context manager; a thread does the work."""

    def __init__(self, here: tuple[str, int], there: tuple[str, int]) -> None:
        self._there = there
        self._server = socket.create_server(here)
        self._selector = selectors.DefaultSelector()
        self._other: dict[socket.socket, socket.socket] = {}
        self._cut: set[socket.socket] = set()
        self._cut_until = 0.0
        self._wanted: tuple[random.Random, float] | None = None
        self._is_open = True

    def __enter__(self) -> Links:
        self._selector.register(self._server, selectors.EVENT_READ)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_open = False
        self._thread.join()
        for end in [self._server, *self._other]:
            end.close()

    def cut(self, rng: random.Random, seconds: float) -> None:
        """Half of the connections that there are pass nothing on for so long."""
        self._wanted = rng, seconds

    def _run(self) -> None:
        while self._is_open:
            self._cut_or_mend()
            for key, _ in self._selector.select(_LOOK_S):
                if key.fileobj is self._server:
                    self._accept()
                else:
                    self._pass_on(key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        came, _ = self._server.accept()
        try:
            goes = socket.create_connection(self._there)
        except OSError:
            came.close()
            return
        for end, other in ((came, goes), (goes, came)):
            self._other[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        other = self._other.get(end)
        if other is None:
            return
        try:
            data = end.recv(_CHUNK)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for each in (end, other):
                self._other.pop(each, None)
                self._cut.discard(each)
                with suppress(KeyError):
                    self._selector.unregister(each)
                each.close()

    def _cut_or_mend(self) -> None:
        if self._wanted is not None:
            (rng, seconds), self._wanted = self._wanted, None
            ends = sorted(self._other, key=socket.socket.fileno)
            chosen = set(rng.sample(ends, max(1, len(ends) // 4))) if ends else set()
            self._cut = chosen | {self._other[end] for end in chosen}
            self._cut_until = monotonic() + seconds
            for end in self._cut:
                self._selector.unregister(end)
        elif self._cut and monotonic() > self._cut_until:
            for end in self._cut:
                self._selector.register(end, selectors.EVENT_READ)
            self._cut = set()
