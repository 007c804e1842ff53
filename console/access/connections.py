"""What one connection may take: so long for a request, and a place among so many.

uvicorn waits without end for a request that has begun. Here a header, a body and an answer have a
time each, from its beginning, however slowly it trickles; and where there are too many connections
the oldest that still owes its request makes room. Websockets are counted by the guard, which lets
none in without a session.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 100
HEADER_S = 10.0
BODY_S = 90.0
_ANSWER_S = 900.0
"""A large file over a slow network."""


class BoundedHttp(H11Protocol):
    """uvicorn's connection with limits."""

    _doing: tuple[str, object] = ("", None)
    _deadline: asyncio.TimerHandle | None = None
    _began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began = self.loop.time()
        self._follow()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._follow()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._end_deadline()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        super().connection_lost(exc)

    @property
    def owes_request(self) -> bool:
        """Whether it has not sent all of its request yet, or none."""
        return self._doing[0] != "answer"

    def _follow(self) -> None:
        """Give what it does now its time, from when that began."""
        if self not in self.connections:
            return  # a websocket by now, or gone
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            doing, limit_s = "header", HEADER_S
        elif cycle.more_body:
            doing, limit_s = "body", BODY_S
        else:
            doing, limit_s = "answer", _ANSWER_S
        if (doing, cycle) != self._doing:
            self._doing = doing, cycle
            self._end_deadline()
            # Not closed in order: that would wait for a peer that reads nothing.
            self._deadline = self.loop.call_later(limit_s, self.transport.abort)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, BoundedHttp)]
        if len(others) <= MOST_CONNECTIONS:
            return
        slow = [one for one in others if one.owes_request and one is not self]
        oldest = min(slow, key=lambda one: one._began, default=self)
        self.connections.discard(oldest)
        oldest.transport.abort()
