"""results.csv: one row for every item, whole lines only. What stands here is the truth."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from line.client import Client
from line.errors import BadInput
from line.messages import Key, Notice
from line.outcome import Outcome
from line.seqset import SeqSet
from sinks.append_file import AppendFile
from sinks.board import Board
from sinks.csv_rows import HEADER, decode_row, encode_rows
from sinks.loop import Delivery, Receipt

RECENT_ROWS = 8192
"""Rows kept in memory to answer repeats from; older ones are looked up in the file."""


class CsvLog:
    """Appends rows; on opening it cuts off a torn last line and learns what is there.

    `latency_bounds_s`: upper bounds of the latencies that its figures tell apart. `sync`: rows
    survive a power cut. Raises BadInput, naming the line, for a file that holds anything but rows.
    """

    def __init__(
        self, path: Path, *, latency_bounds_s: Sequence[float] = (), sync: bool = False
    ) -> None:
        self._path = path
        self._known: defaultdict[int, SeqSet] = defaultdict(SeqSet)
        self._recent: OrderedDict[Key, Outcome] = OrderedDict()
        self._board = Board(latency_bounds_s)
        self._file = AppendFile(path, sync=sync)
        if self._file.is_empty:
            self._file.append(HEADER.encode())
        for outcome in self._stored():
            self._remember(outcome)

    def store(self, batch: list[Delivery]) -> Receipt:
        """New items are written with one call; known ones answered with the row that stands."""
        receipt = Receipt()
        new: dict[Key, Outcome] = {}
        for delivery in batch:
            key = delivery.key
            receipt.stored.append(key)
            if key[1] in self._known[key[0]] or key in new:
                receipt.truth.append(new.get(key) or self._find(key))
            else:
                new[key] = delivery.row.outcome
        self._file.append(encode_rows(new.values()))
        for outcome in new.values():
            self._remember(outcome)
        return receipt

    def store_notice(self, notice: Notice) -> None:
        """Notices are for the alerts sink; none is ever sent here."""

    def report(self, client: Client) -> None:
        client.seat.leash.send("board", **self._board.facts())

    def close(self) -> None:
        self._file.close()

    def _remember(self, outcome: Outcome) -> None:
        self._known[outcome.camera].add(outcome.seq)
        self._recent[outcome.camera, outcome.seq] = outcome
        if len(self._recent) > RECENT_ROWS:
            self._recent.popitem(last=False)
        self._board.count(outcome)

    def _find(self, key: Key) -> Outcome:
        recent = self._recent.get(key)
        if recent is not None:
            return recent
        return next(o for o in self._stored() if (o.camera, o.seq) == key)

    def _stored(self) -> Iterator[Outcome]:
        with self._path.open("rb") as file:
            next(file, None)
            for number, line in enumerate(file, 2):
                try:
                    yield decode_row(line.decode())
                except ValueError as error:
                    raise BadInput(f"{self._path}: line {number}: {error}") from None
