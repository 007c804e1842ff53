"""alerts.jsonl itself: one JSON object a line, each with an id that stands there once."""

from __future__ import annotations

import json
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from line.errors import BadInput, FileChanged
from sinks.append_file import AppendFile
from sinks.checkpoint import Cursor

FILE = "alerts.jsonl"
_FIRST = ("id", "kind", "level", "text", "frame_id")
RECENT_IDS = 8192
"""Kept to recognise repeats: what was told after the last checkpoint is far less."""


class AlertFile:
    """Collects lines and writes them together. Raises BadInput for a file that cannot be opened.

    `sync`: lines survive a power cut. `alive` is called while a long file is read.
    """

    def __init__(self, path: Path, *, sync: bool, alive: Callable[[], None]) -> None:
        self._path = path
        self._sync = sync
        self._alive = alive
        self._lines: list[bytes] = []
        """told and not yet written"""
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._all_ids = AllIds()
        self._news: list[str] = []
        self.count = 0
        """lines, also those that are still to be written"""
        self._file = AppendFile(path, sync=sync, alive=alive)

    # -- what came before -------------------------------------------------------------------------

    def restore(self, state: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """The lines behind the checkpoint `state`, all of them without one; it learns their ids.

        Raises BadInput, naming the line, for a file that holds anything else.
        """
        begin = 0
        if state is not None:
            cursor, count = Cursor.of(state["cursor"]), int(state["count"])
            if cursor.offset <= self._file.size and cursor.agrees(self._file.fileno()):
                begin, self.count = cursor.offset, count
        self._file.renew(begin)
        for line in self._written(begin):
            self.count += 1
            if begin:
                self._remember(line["id"])
            else:
                self._all_ids.add(line["id"])
            yield line

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "cursor": Cursor.at(self._file.fileno(), self._file.size).state,
            "count": self.count,
        }

    def _written(self, begin: int) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(begin)
            for number, text in enumerate(file, 1):
                try:
                    line = json.loads(text)
                    yield {**line, "id": str(line["id"])}
                except (ValueError, KeyError, TypeError, RecursionError):
                    where = "" if not begin else " behind the last checkpoint"
                    raise BadInput(f"{self._path}: line {number}{where} is not an alert") from None
                if number % 1000 == 0:
                    self._alive()

    # -- what comes -------------------------------------------------------------------------------

    def knows(self, line_id: str) -> bool:
        """Whether a line with that id stands there, or is to."""
        return line_id in self._ids or line_id in self._all_ids

    def add(self, line: Mapping[str, Any], at: str | None = None) -> bool:
        """Have a line written; False if it is known. `at`: ISO time, now if it is left out."""
        if self.knows(line["id"]):
            return False
        self._remember(line["id"])
        self.count += 1
        moment = at or datetime.now(UTC).isoformat(timespec="milliseconds")
        first = {key: line.get(key) for key in _FIRST}
        text = json.dumps({**first, "at": moment, **line}, ensure_ascii=False)
        self._lines.append(text.encode() + b"\n")
        return True

    def leave_out(self, line_id: str) -> None:
        """Take it as written, so that it does not count again."""
        self._remember(line_id)

    @property
    def last_id(self) -> str:
        """Of the line that came last, or was left out."""
        return next(reversed(self._ids))

    def write(self) -> None:
        """Write what was added. Raises StorageError, having written nothing."""
        try:
            self._file.append(b"".join(self._lines))
        except FileChanged as error:  # it may be cleared by whoever has read it
            self._news.append(str(error))
            self._file.close()
            self._file = AppendFile(self._path, sync=self._sync, alive=self._alive)
            self._file.append(b"".join(self._lines))
        self._lines.clear()

    def news(self) -> list[str]:
        """What somebody should be told of the file, since last asked."""
        news = [*self._news, *self._file.news]
        self._news.clear()
        self._file.news.clear()
        return news

    def close(self) -> None:
        self._file.close()

    def _remember(self, line_id: str) -> None:
        self._ids[line_id] = None
        if len(self._ids) > RECENT_IDS:
            self._ids.popitem(last=False)


class AllIds:
    """All ids of a file, for whoever has lost its checkpoint: eight bytes each."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._sorted: Any = None

    def add(self, line_id: str) -> None:
        self._hashes.append(_hash(line_id))
        self._sorted = None

    def __contains__(self, line_id: str) -> bool:
        if not self._hashes:
            return False
        import numpy as np  # of use here alone, and slow to load

        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._hashes, np.uint64))
        wanted = np.uint64(_hash(line_id))
        place = int(np.searchsorted(self._sorted, wanted))
        return place < len(self._sorted) and self._sorted[place] == wanted


def _hash(line_id: str) -> int:
    data = line_id.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
