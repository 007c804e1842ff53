"""results.csv: one row for every item, whole lines only. What stands here is the truth."""

from __future__ import annotations

import os
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from pathlib import Path

from line.client import Client
from line.messages import Key, Notice
from line.outcome import Outcome
from line.seqset import SeqSet
from sinks.board import Board
from sinks.csv_rows import HEADER, decode_row, encode_rows
from sinks.loop import Delivery, Receipt

RECENT_ROWS = 8192
"""Rows kept in memory to answer repeats from; older ones are looked up in the file."""


class CsvLog:
    """Appends rows; on opening it cuts off a torn last line and learns what is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: defaultdict[int, SeqSet] = defaultdict(SeqSet)
        self._recent: OrderedDict[Key, Outcome] = OrderedDict()
        self._board = Board()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        os.ftruncate(self._fd, _whole_lines(path))
        if os.fstat(self._fd).st_size == 0:
            os.write(self._fd, HEADER.encode())
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
        self._append(encode_rows(new.values()))
        for outcome in new.values():
            self._remember(outcome)
        return receipt

    def store_notice(self, notice: Notice) -> None:
        """Notices are for the alerts sink; none is ever sent here."""

    def report(self, client: Client) -> None:
        client.seat.leash.send("board", **self._board.facts())

    def close(self) -> None:
        os.close(self._fd)

    def _append(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]

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
        with self._path.open(encoding="utf-8", newline="") as file:
            next(file, None)
            for line in file:
                yield decode_row(line)


def _whole_lines(path: Path) -> int:
    """Bytes up to and including the last line break; what follows is a torn line."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while size:
            start = max(0, size - 65536)
            file.seek(start)
            found = file.read(size - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            size = start
    return 0
