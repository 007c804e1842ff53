"""What stands in a results.csv, read as a stream: the items it holds and the figures of its rows.

Of each row only the few cells are looked at that this takes, many rows at a time.
"""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from line.errors import BadInput
from line.outcome import COLUMNS, Verdict
from line.plain_text import text_of
from line.run_files.results import HEADER
from line.sequence_set import SeqSet
from sinks.checkpoint import runs_of, seqs_of
from sinks.running_stats import RunningStats

_CHUNK_BYTES = 1 << 20
_CAMERA, _SEQ, _VERDICT, _REASON, _TRUE, _PREDICTED, _LATENCY, _WORKER = (
    COLUMNS.index(name)
    for name in (
        "camera",
        "seq",
        "verdict",
        "reason",
        "true_class",
        "predicted_class",
        "latency_ms",
        "worker",
    )
)
_VERDICTS = {str(verdict): verdict for verdict in Verdict}


@dataclass(slots=True)
class Stand:
    """The rows up to some place in the file."""

    stats: RunningStats
    known: defaultdict[int, SeqSet] = field(default_factory=lambda: defaultdict(SeqSet))
    """camera → items that have a row"""

    @property
    def items(self) -> int:
        """Items that have a row."""
        return sum(map(len, self.known.values()))

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        known = {str(camera): runs_of(seqs) for camera, seqs in self.known.items()}
        return {"items": self.items, "known": known, "stats": self.stats.state()}

    @classmethod
    def of(cls, state: Mapping[str, Any], stats: RunningStats) -> Stand:
        """Inverse of `state`; raises as `RunningStats.restore` does."""
        stand = cls(stats)
        for camera, runs in state["known"].items():
            stand.known[int(camera)] = seqs_of(runs)
        if stand.items != state["items"]:
            raise ValueError("other items than were counted")
        stats.restore(state["stats"])
        return stand


def read_on(
    path: Path, fd: int, begin: int, end: int, stand: Stand, alive: Callable[[], None]
) -> None:
    """Take the whole lines between two offsets of the file into `stand`; 0 is the header's.

    `alive` is called several times a second. Raises BadInput, naming the line, for what is no row.
    """
    if begin == 0 and end > 0:
        if os.pread(fd, len(HEADER), 0) != HEADER.encode():
            raise BadInput(f"{path}: line 1: not the header of a results.csv")
        begin = len(HEADER)
    for place, chunk in _chunks(fd, begin, end):
        try:
            _take(chunk, stand)
        except (ValueError, csv.Error) as error:
            raise _named(path, fd, place, chunk, stand) from error
        alive()


def _chunks(fd: int, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines, about a megabyte at a time, each with its place in the file."""
    place, rest = begin, b""
    while place + len(rest) < end:
        read = place + len(rest)
        data = rest + os.pread(fd, min(_CHUNK_BYTES, end - read), read)
        if len(data) == len(rest):
            return  # it was cut meanwhile
        whole = data.rfind(b"\n") + 1
        if whole:
            yield place, data[:whole]
        place, rest = place + whole, data[whole:]


def _take(chunk: bytes, stand: Stand) -> None:
    """Raises ValueError or csv.Error if not every line is a row."""
    lines = chunk.decode().split("\n")[:-1]
    rows = list(csv.reader(lines))
    if len(rows) != len(lines):
        raise ValueError("a row of more than one line")
    if set(map(len, rows)) != {len(COLUMNS)}:
        raise ValueError(f"not {len(COLUMNS)} cells")
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        seqs[row[_CAMERA]].append(int(row[_SEQ]))
    if min(map(min, seqs.values())) < 0:
        raise ValueError("a negative number")
    known = {_number(camera): sorted(numbers) for camera, numbers in seqs.items()}
    latencies_ms = [float(row[_LATENCY]) for row in rows if row[_LATENCY]]
    alike = Counter(
        (row[_VERDICT], row[_REASON], row[_TRUE], row[_PREDICTED], row[_WORKER].partition("#")[0])
        for row in rows
    )
    verdicts = {verdict: _verdict(verdict) for verdict, *_ in alike}
    for camera, numbers in known.items():
        stand.known[camera].update(numbers)
    for (verdict, *texts), count in alike.items():
        reason, true_class, predicted_class, worker = map(text_of, texts)
        stand.stats.count_alike(
            count, verdicts[verdict], reason, true_class or None, predicted_class or None, worker
        )
    stand.stats.count_latencies(latencies_ms)


def _verdict(cell: str) -> Verdict:
    if cell not in _VERDICTS:
        raise ValueError(f"{cell!r} is no verdict")
    return _VERDICTS[cell]


def _number(cell: str) -> int:
    number = int(cell)
    if number < 0:
        raise ValueError("a negative number")
    return number


def _named(path: Path, fd: int, place: int, chunk: bytes, stand: Stand) -> BadInput:
    """The complaint about the first line of a chunk that is no row."""
    before = sum(part.count(b"\n") for _, part in _chunks(fd, 0, place))
    for number, line in enumerate(chunk.split(b"\n")[:-1], before + 1):
        try:
            _take(line + b"\n", Stand(RunningStats(())))
        except (ValueError, csv.Error) as error:
            why = _cells(line) or str(error)
            return BadInput(f"{path}: line {number}: {why}")
    return BadInput(f"{path}: line {before + 1}: damaged")


def _cells(line: bytes) -> str:
    """What is wrong with the number of cells in a line; empty if that is not it."""
    try:
        count = len(next(csv.reader([line.decode()]), []))
    except (ValueError, csv.Error):
        return ""
    return "" if count == len(COLUMNS) else f"{count} cells instead of {len(COLUMNS)}"
