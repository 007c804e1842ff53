"""The log's loop: take the rows that have come, write them at once, then acknowledge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Protocol

from line.errors import StorageError
from line.messages import MOST_KEYS, Buffer, Message, Rows, Stored, Welcome
from line.outcome import Outcome
from line.process.client import Client
from sinks.room import Patience

_ORPHAN_PATIENCE_S = 1.5
"""Without a supervisor nobody says when the last row has come."""
REPORT_S = 0.4


class Log(Protocol):
    """Where outcomes are written. Everything is idempotent: the first row of an item wins."""

    def store(self, batch: Sequence[Outcome]) -> None:
        """Write a batch. It is acknowledged when this returns. Raises StorageError."""

    def report(self, client: Client) -> None:
        """Tell the supervisor how things stand, a few times a second."""


def run(client: Client, log: Log) -> None:
    """Until the supervisor says stop, or is gone and nothing has come for a while.

    While the file cannot be written nothing is acknowledged, and the credit keeps more from coming.
    Raises StorageError when that has lasted for `sink.patience_s`.
    """
    log.report(client)  # before any new row: the supervisor sees whether all the old ones are there
    last_row = next_report = monotonic()
    pending: list[Outcome] = []
    patience = Patience(client, client.context.settings.sink.patience_s)
    while not client.stop:
        _take(pending, client.exchange())
        now = monotonic()
        try:
            if pending:
                with client.context.processor.measure("writing"):
                    log.store(pending)
                _acknowledge(client, pending)
                pending.clear()
                last_row = now
            elif client.orphaned and now - last_row > _ORPHAN_PATIENCE_S:
                return
            if now >= next_report:
                next_report = now + REPORT_S
                log.report(client)
            patience.settle()
        except StorageError as error:
            patience.wait(error)
    log.report(client)


def _take(pending: list[Outcome], received: Iterable[tuple[Message, Buffer | None]]) -> None:
    """Add what has come and is not written."""
    for message, _ in received:
        if isinstance(message, Rows):
            pending.extend(message.outcomes)
        elif isinstance(message, Welcome):  # the dispatcher is a new one: all will come again
            pending.clear()


def _acknowledge(client: Client, rows: Sequence[Outcome]) -> None:
    for begin in range(0, len(rows), MOST_KEYS):
        some = rows[begin : begin + MOST_KEYS]
        client.send(Stored(tuple((row.camera, row.seq) for row in some)))
