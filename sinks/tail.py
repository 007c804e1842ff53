"""Whole lines of a file that another process adds to, read from a cursor on."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from pictures.regular_file import open_regular
from sinks.checkpoint import Cursor

_CHUNK_BYTES = 1 << 18
"""Read in one go; a line that is longer is none of ours, and is passed over."""
_EARLIER = 16


class Tail:
    """A reader that notices whatever becomes of the file, and begins anew where it has to.

    A file that was replaced or cut is read on from the last place that it still bears out, else
    from its start: a reader meets lines again then, and has to know them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._cursor = Cursor()
        self._earlier: list[Cursor] = []
        """places before the cursor, the newest last"""
        self._lines: list[bytes] = []
        """behind the cursor, looked at and not passed yet"""
        self.overlong = 0
        """pieces of lines that were passed over because they were too long"""

    @property
    def cursor(self) -> Cursor:
        """In front of the next line that was not passed."""
        return self._cursor

    def begin(self, cursor: Cursor) -> None:
        """Read on from here, if the file bears it out."""
        self._cursor = cursor
        self._earlier.clear()

    @property
    def behind_bytes(self) -> int:
        """How much of the file lies behind the cursor."""
        try:
            return max(0, self._path.stat().st_size - self._cursor.offset)
        except OSError:
            return 0

    def look(self) -> list[bytes]:
        """The next lines, without their ends; none if there is nothing (yet), or no file.

        They are the same again until they are passed, unless the file is another by then.
        """
        self._lines = []
        if not self._open():
            return []
        assert self._fd is not None
        try:
            if os.fstat(self._fd).st_size == self._cursor.offset:
                return []
            while not self._cursor.agrees(self._fd):
                self._cursor = self._earlier.pop() if self._earlier else Cursor()
            data = os.pread(self._fd, _CHUNK_BYTES, self._cursor.offset)
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == _CHUNK_BYTES:
            self.overlong += 1
            self._move(len(data))
            return []
        self._lines = data[:whole].split(b"\n")[:-1]
        return self._lines

    def passed(self, count: int) -> None:
        """The first `count` of the lines last looked at are done with."""
        size = sum(len(line) + 1 for line in islice(self._lines, count))
        self._lines = self._lines[count:]
        if size:
            self._move(size)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> bool:
        """Whether the file is open; another one under its name takes its place."""
        try:
            there = self._path.lstat()
            if self._fd is not None:
                here = os.fstat(self._fd)
                if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                    return True
            fd = open_regular(self._path)
        except OSError:
            return False
        self.close()
        self._fd = fd
        return True

    def _move(self, size: int) -> None:
        assert self._fd is not None
        self._earlier = [*self._earlier[1 - _EARLIER :], self._cursor]
        self._cursor = Cursor.at(self._fd, self._cursor.offset + size)
