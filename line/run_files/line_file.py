"""A file of lines that the supervisor adds to, and whose disk must never hold it up.

Lines are written whole or not at all. What finds no room waits, bounded; the oldest lines go first.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from line.own_file import open_regular

_MOST_UNWRITTEN = 1000
_TAIL_BYTES = 1 << 16
"""A torn last line is looked for in so much of the file's end; no line is longer."""


class LineFile:
    """Of one run, over all its sessions. Never blocks for long and never raises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: deque[bytes] = deque(maxlen=_MOST_UNWRITTEN)
        self._has_been_opened = False

    @property
    def behind(self) -> int:
        """Lines that are not written yet."""
        return len(self._unwritten)

    def append(self, line: bytes) -> None:
        """Write one line, which ends with a line break, behind those that wait."""
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
            lines = b"".join(self._unwritten)
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
