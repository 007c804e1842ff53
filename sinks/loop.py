"""What all sinks share: take the rows that have come, store them at once, then acknowledge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Protocol

from line.client import Client
from line.errors import StorageError
from line.log_queue import GATHER_S
from line.messages import MOST_KEYS, Buffer, Key, Message, Row, Stored, Welcome
from sinks.room import Patience

_ORPHAN_PATIENCE_S = 1.5
"""Without a supervisor nobody says when the last row has come."""
REPORT_S = 0.2


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row as it came, with its picture if the sink had asked for it."""

    row: Row
    picture: Buffer | None

    @property
    def key(self) -> Key:
        return self.row.outcome.camera, self.row.outcome.seq


@dataclass(slots=True)
class Receipt:
    """What a sink did with a batch: every key of the batch stands in `stored` or in `wanted`."""

    stored: list[Key] = field(default_factory=list)
    wanted: list[Key] = field(default_factory=list)
    """rows to be sent again with their picture"""


class Sink(Protocol):
    """Where outcomes end. Everything is idempotent: the first row of an item wins."""

    def store(self, batch: list[Delivery]) -> Receipt:
        """Write a batch. It is acknowledged when this returns."""

    def report(self, client: Client) -> None:
        """Tell the supervisor how things stand, a few times a second."""


def run(client: Client, sink: Sink) -> None:
    """Until the supervisor says stop, or is gone and nothing has come for a while.

    While a file cannot be written nothing is acknowledged, and the credit keeps more from coming.
    Raises StorageError when that has lasted for `sink.patience_s`.
    """
    last_row = monotonic()
    next_report = 0.0
    pending = _Pending()
    patience = Patience(client, client.seat.settings.sink.patience_s)
    while not client.stop:
        pending.take(client.exchange())
        now = monotonic()
        try:
            if pending.rows:
                _acknowledge(client, sink.store(pending.rows))
                pending.rows.clear()
                last_row = now
                sleep(GATHER_S)
            elif client.orphaned and now - last_row > _ORPHAN_PATIENCE_S:
                return
            if now >= next_report:
                next_report = now + REPORT_S
                sink.report(client)
            patience.settle()
        except StorageError as error:
            patience.wait(error)
    sink.report(client)


@dataclass(slots=True)
class _Pending:
    """What has come and is not written."""

    rows: list[Delivery] = field(default_factory=list)

    def take(self, received: Iterable[tuple[Message, Buffer | None]]) -> None:
        for message, payload in received:
            if isinstance(message, Row):
                self.rows.append(Delivery(message, payload))
            elif isinstance(message, Welcome):  # the dispatcher is a new one: all will come again
                self.rows.clear()


def _acknowledge(client: Client, receipt: Receipt) -> None:
    for begin in range(0, len(receipt.stored), MOST_KEYS):
        client.send(Stored(tuple(receipt.stored[begin : begin + MOST_KEYS])))
