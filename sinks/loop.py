"""What all sinks share: take the rows that have come, store them at once, then acknowledge."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Protocol

from line.client import Client
from line.messages import Buffer, Key, Notice, NoticeStored, Row, Stored, Want
from line.outcome import Outcome

_ORPHAN_PATIENCE_S = 1.5
"""Without a supervisor nobody says when the last row has come."""
REPORT_S = 0.2
GATHER_S = 0.01
"""Rest after a batch, so that under load rows are written and acknowledged several at a time."""


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
    truth: list[Outcome] = field(default_factory=list)
    """rows that stood already and differ from, or take the place of, what came"""
    wanted: list[Key] = field(default_factory=list)
    """rows to be sent again with their picture"""


class Sink(Protocol):
    """Where outcomes end. Everything is idempotent: the first row of an item wins."""

    def store(self, batch: list[Delivery]) -> Receipt:
        """Write a batch. It is acknowledged when this returns."""

    def store_notice(self, notice: Notice) -> None:
        """Write news of the line itself."""

    def report(self, client: Client) -> None:
        """Tell the supervisor how things stand, a few times a second."""


def run(client: Client, sink: Sink) -> None:
    """Until the supervisor says stop, or is gone and nothing has come for a while."""
    last_row = monotonic()
    next_report = 0.0
    while not client.stop:
        batch: list[Delivery] = []
        for message, payload in client.exchange():
            if isinstance(message, Row):
                batch.append(Delivery(message, payload))
            elif isinstance(message, Notice):
                sink.store_notice(message)
                client.send(NoticeStored(message.id))
        now = monotonic()
        if batch:
            _acknowledge(client, sink.store(batch))
            last_row = now
            sleep(GATHER_S)
        elif client.orphaned and now - last_row > _ORPHAN_PATIENCE_S:
            return
        if now >= next_report:
            next_report = now + REPORT_S
            sink.report(client)
    sink.report(client)


def _acknowledge(client: Client, receipt: Receipt) -> None:
    if receipt.stored:
        client.send(Stored(tuple(receipt.stored), tuple(receipt.truth)))
    for camera, seq in receipt.wanted:
        client.send(Want(camera, seq))
