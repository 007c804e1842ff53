"""results.csv: one row for every item, whole lines only. What stands here is the truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from line.messages import Key
from line.outcome import Outcome
from line.process.client import Client
from line.run_files.results import HEADER, encode_rows
from line.sequence_set import SeqSet
from pictures.regular_file import open_regular
from sinks.append_file import AppendFile
from sinks.checkpoint import Checkpoint, Cursor
from sinks.csv_stand import Stand, read_on
from sinks.running_stats import RunningStats

CHECKPOINT = ".csv_log.checkpoint"
"""Beside the file: what stood up to some row, so that a start reads only what came after it."""
_CHECKPOINT_ROWS = 4096
_CHECKPOINT_S = 5.0
_LEAST_ROW_BYTES = 30


class CsvLog:
    """Appends rows; on opening it cuts off a torn last line and learns what is there.

    `latency_bounds_s`: upper bounds of the latencies that its figures tell apart. `sync`: rows
    survive a power cut. `alive` is called again and again while a long file is read, which only
    happens where no checkpoint agrees with it, or put back. Raises BadInput, naming the line, for a
    file that holds anything but rows.
    """

    def __init__(
        self,
        path: Path,
        *,
        latency_bounds_s: Sequence[float] = (),
        sync: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._checkpoint = Checkpoint(path.with_name(CHECKPOINT))
        self._uncertain_rows = 0
        """written since the last checkpoint"""
        self._next_checkpoint = 0.0
        self._told = 0
        self._file = AppendFile(path, sync=sync, alive=alive)
        try:
            fd, size = self._file.fileno(), self._file.size
            begin, self._stand = _recalled(self._checkpoint, fd, size, latency_bounds_s)
            self._file.renew(begin)
            if self._file.size == 0:
                self._file.append(HEADER.encode())
            else:
                size = self._file.size
                read_on(path, self._file.fileno(), begin, size, self._stand, alive)
        except BaseException:
            self._file.close()
            raise
        self._keep_checkpoint()

    def store(self, batch: Sequence[Outcome]) -> None:
        """Write new items with one call; of a known one the first row stands.

        Raises StorageError, having written none, and FileChanged.
        """
        new: dict[Key, Outcome] = {}
        for row in batch:
            if row.seq not in self._stand.known[row.camera]:
                new.setdefault((row.camera, row.seq), row)
        self._file.append(encode_rows(new.values()))
        for (camera, seq), outcome in new.items():
            self._stand.known[camera].add(seq)
            self._stand.stats.count(outcome)
        self._uncertain_rows += len(new)
        if self._uncertain_rows >= _CHECKPOINT_ROWS:
            self._keep_checkpoint()

    def report(self, client: Client) -> None:
        """Tell how things stand, and see that the file still does.

        Raises FileChanged if another program has changed it.
        """
        self._file.look()
        for text in self.news():
            self._told += 1
            number = f"put_back-{client.context.identity}-{self._told}"
            client.context.channel.send("incident", id=number, event="put_back", text=text)
        if self._uncertain_rows and monotonic() >= self._next_checkpoint:
            self._keep_checkpoint()
        client.tell("stats", **self.facts())

    def facts(self) -> dict[str, object]:
        """The figures of all rows, see `RunningStats`."""
        return self._stand.stats.facts()

    def news(self) -> list[str]:
        """What was put right since last asked, and should be told."""
        news, self._file.news = self._file.news, []
        return news

    def close(self) -> None:
        if self._uncertain_rows:
            self._keep_checkpoint()
        self._file.close()

    def _keep_checkpoint(self) -> None:
        """After a row that is written; a checkpoint that cannot be is only an older hint."""
        self._next_checkpoint = monotonic() + _CHECKPOINT_S
        self._uncertain_rows = 0
        with suppress(OSError):
            cursor = Cursor.at(self._file.fileno(), self._file.size)
            self._checkpoint.write({"cursor": cursor.state, **self._stand.state()})


def logged_items(path: Path, latency_bounds_s: Sequence[float]) -> Mapping[int, SeqSet]:
    """Camera → the items that have a row in the results at `path`; nothing is changed.

    Where a checkpoint agrees with the file, only what came after it is read.

    Raises:
        BadInput: naming the line, for a file that holds anything but rows.
        OSError: if it may not be read.
    """
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return {}
    try:
        size = os.fstat(fd).st_size
        checkpoint = Checkpoint(path.with_name(CHECKPOINT))
        begin, stand = _recalled(checkpoint, fd, size, latency_bounds_s)
        read_on(path, fd, begin, size, stand, lambda: None)
    finally:
        os.close(fd)
    return stand.known


def _recalled(
    checkpoint: Checkpoint, fd: int, size: int, latency_bounds_s: Sequence[float]
) -> tuple[int, Stand]:
    """What the checkpoint says, and up to which offset; nothing if the file does not agree."""
    state = checkpoint.read()
    if state is not None:
        with suppress(AttributeError, KeyError, OverflowError, TypeError, ValueError):
            cursor = Cursor.of(state["cursor"])
            stand = Stand.of(state, RunningStats(latency_bounds_s))
            rows_fit = stand.items * _LEAST_ROW_BYTES <= cursor.offset <= size
            if cursor.offset and rows_fit and cursor.agrees(fd):
                return cursor.offset, stand
    return 0, Stand(RunningStats(latency_bounds_s))
