"""What cannot be written now: no room is told from other trouble, and how long a sink waits."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from line.errors import DiskFull, StorageError
from line.process.client import Client

_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RETRY_S = 0.1
_PROBE_BYTES = 1 << 16
"""A page of the file or two, and of SQLite's log."""


def refused(path: Path, error: OSError | sqlite3.Error) -> StorageError:
    """What to raise for a failed write to `path`: DiskFull if room is all that it lacked."""
    if isinstance(error, OSError):
        kind = DiskFull if error.errno in _ERRNOS else StorageError
        return kind(f"{path}: {error.strerror or error}")
    if _lacks_room(path, error):
        return DiskFull(f"{path}: {error}")
    return StorageError(f"{path}: {error}")


def _lacks_room(path: Path, error: sqlite3.Error) -> bool:
    # The low byte is the kind of error, the rest its details.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_IOERR:
        return _has_no_room_for(path)
    return code == sqlite3.SQLITE_FULL


def _has_no_room_for(path: Path) -> bool:
    """Whether a file beside `path` may not become as large: SQLite keeps the reason to itself."""
    probe = path.with_name(f".{path.name}.{os.getpid()}.probe")
    try:
        with probe.open("wb", buffering=0) as file:
            file.seek(path.stat().st_size)
            left = memoryview(bytes(_PROBE_BYTES))
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())  # some file systems find out no sooner
    except OSError as error:
        return error.errno in _ERRNOS
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return False


class Patience:
    """Waits until a file can be written, at most `limit_s`; has it told when it begins to."""

    def __init__(self, client: Client, limit_s: float) -> None:
        self._client = client
        self._limit_s = limit_s
        self._since: float | None = None
        self._episodes = 0

    def wait(self, error: StorageError) -> None:
        """It cannot be written (yet). Raises the error when it is over with patience."""
        now = monotonic()
        if self._since is None:
            self._since = now
            self._episodes += 1
            self._tell("disk_full" if isinstance(error, DiskFull) else "storage", f"waits: {error}")
        if now - self._since >= self._limit_s or self._client.orphaned is not None:
            raise error
        sleep(_RETRY_S)

    def settle(self) -> None:
        """It can be written again."""
        if self._since is not None:
            self._tell("storage_again", f"goes on after {monotonic() - self._since:.1f} s")
        self._since = None

    def _tell(self, kind: str, text: str) -> None:
        context = self._client.context
        event_id = f"{kind}-{context.identity}-{self._episodes}"
        context.channel.send("incident", id=event_id, event=kind, text=text)
