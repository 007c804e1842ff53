"""`events.jsonl` and `orders.jsonl`: what happened to the line, and what it was told to do.

Lines are written whole or not at all. What finds no room waits, bounded; the oldest lines go first.

`{"id": "restart-worker-0#1", "event": "restart", "text": "worker-0 …", "at": ISO time, UTC,
"process": "worker-0"}`, the last one only where it is about a single process. The supervisor writes
it; whoever wants to know of it reads the file at a pace of its own.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from line.plain_text import plain
from line.run_files.run_folder import now_iso
from pictures.regular_file import open_regular

_MOST_UNWRITTEN = 1000
_TAIL_BYTES = 1 << 16
"""A torn last line is looked for in so much of the file's end; no line is longer."""


class LineFile:
    """Of one run, over all its sessions. Never blocks for long and never raises."""

    def __init__(self, path: Path, header: bytes = b"") -> None:
        """`header`: what an empty file begins with."""
        self._path = path
        self._header = header
        self._unwritten: deque[bytes] = deque(maxlen=_MOST_UNWRITTEN)
        self._has_been_opened = False

    @property
    def behind(self) -> int:
        """Lines that are not written yet."""
        return len(self._unwritten)

    def append(self, line: bytes) -> None:
        """Write a line, or several, with their line breaks, behind those that wait."""
        self._unwritten.append(line)
        self.flush()

    def flush(self) -> None:
        """Try again to write what waits."""
        if not self._unwritten:
            return
        try:
            fd = open_regular(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, only_ours=True)
        except OSError:
            return
        try:
            whole = self._whole_bytes(fd)
            lines = b"".join([b"" if whole else self._header, *self._unwritten])
            if os.write(fd, lines) == len(lines):
                self._unwritten.clear()
            else:
                os.ftruncate(fd, whole)
        except OSError:
            return
        finally:
            os.close(fd)

    def _whole_bytes(self, fd: int) -> int:
        """The length of the file; a last line that a power cut tore is cut off first."""
        size = os.fstat(fd).st_size
        if self._has_been_opened or size == 0:
            self._has_been_opened = True
            return size
        tail = os.pread(fd, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        whole = size - len(tail) + tail.rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(fd, whole)
        self._has_been_opened = True
        return whole


EVENTS = "events.jsonl"
_RECENT_IDS = 8192


class EventLog:
    """Of one run, over all its sessions. Never waits for the disk and never raises.

    Ids are unique in the run. One that was given before by this process is not written twice.
    """

    def __init__(self, run_dir: Path) -> None:
        self._file = LineFile(run_dir / EVENTS)
        self._known: OrderedDict[str, None] = OrderedDict()

    def append(self, event_id: str, event: str, text: str, process: str = "") -> None:
        """Something happened. Without room on the disk it is written when there is some."""
        if event_id in self._known:
            return
        self._known[event_id] = None
        if len(self._known) > _RECENT_IDS:
            self._known.popitem(last=False)
        record = {
            "id": plain(event_id),
            "event": plain(event),
            "text": plain(text, 1000),
            "at": now_iso(),
        }
        if process:
            record["process"] = plain(process)
        self._file.append(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    def flush(self) -> None:
        """Try again to write what waits."""
        self._file.flush()


ORDERS = "orders.jsonl"
_LONGEST_FACTS = 1000
"""Characters of JSON; no order that can be carried out has more."""


class OrderLog:
    """Of one run, over all its sessions. `belt_s` tells the belt second."""

    def __init__(self, run_dir: Path, belt_s: Callable[[], float]) -> None:
        self._file = LineFile(run_dir / ORDERS)
        self._belt_s = belt_s

    def append(self, who: str, order: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Write one line; without room on the disk it waits for the next."""
        facts: dict[str, Any] = {key: order[key] for key in order if key != "action"}
        if (why := _not_to_be_written(facts)) is not None:
            facts = {"left_out": why}
        record = {
            "at": now_iso(),
            "belt_s": round(self._belt_s(), 3),
            "who": who,
            "action": str(order.get("action"))[:40],
            "facts": facts,
            "done": answer["done"],
        }
        if not answer["done"]:
            record["reason"] = answer["reason"]
        # What UTF-8 cannot spell, as half a character, becomes the escape that JSON has for it.
        line = json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace")
        self._file.append(line + b"\n")

    def flush(self) -> None:
        """Try again to write what waits."""
        self._file.flush()


def _not_to_be_written(facts: Mapping[str, Any]) -> str | None:
    """Why such facts would spoil the log; None if they do not."""
    try:
        text = json.dumps(facts, allow_nan=False)
    except (ValueError, RecursionError):
        return "facts that JSON cannot spell"
    return f"more than {_LONGEST_FACTS} characters" if len(text) > _LONGEST_FACTS else None
