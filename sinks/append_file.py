"""A file that only grows by whole lines, and survives what it is asked to survive."""

from __future__ import annotations

import os
from pathlib import Path

from sinks.room import refused


class AppendFile:
    """Opens or makes the file at `path` and cuts off a torn last line.

    With `sync`, whatever an earlier process left and every append is on the disk when the call
    returns; otherwise it is in the kernel's hands, which the death of any process leaves alone.
    """

    def __init__(self, path: Path, *, sync: bool) -> None:
        self._path = path
        self._sync = sync
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        os.ftruncate(self._fd, _whole_lines(path))
        if sync:
            os.fsync(self._fd)
            sync_folder(path.parent)

    @property
    def is_empty(self) -> bool:
        return os.fstat(self._fd).st_size == 0

    def append(self, data: bytes) -> None:
        """Write whole lines; nothing is done for no data. Raises DiskFull, having written none."""
        if not data:
            return
        whole = os.fstat(self._fd).st_size
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            os.ftruncate(self._fd, whole)
            raise refused(self._path, error) from None
        if self._sync:
            os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def sync_folder(folder: Path) -> None:
    """Have the folder's list of files on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


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
