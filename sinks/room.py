"""No room on the disk: how it is told from other trouble, and how long a sink waits for it."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from time import monotonic, sleep

from line.client import Client
from line.errors import DiskFull

_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Where a limit cuts a write short, SQLite speaks of an input or output error.
_SQLITE_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_RETRY_S = 0.1


def refused(path: Path, error: OSError | sqlite3.Error) -> Exception:
    """What to raise for a failed write to `path`: DiskFull if room is all that it lacked."""
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return DiskFull(f"{path}: {error.strerror}")
    # The low byte is the kind of error, the rest its details.
    if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in _SQLITE_CODES:
        return DiskFull(f"{path}: {error}")
    return error


class Patience:
    """Waits for room, for at most `limit_s`, and has an alert raised when it begins to."""

    def __init__(self, client: Client, limit_s: float) -> None:
        self._client = client
        self._limit_s = limit_s
        self._since: float | None = None
        self._episodes = 0

    def wait(self, error: DiskFull) -> None:
        """There is no room (yet). Raises the error when it is over with patience."""
        now = monotonic()
        if self._since is None:
            self._since = now
            self._episodes += 1
            alert_id = f"disk_full-{self._client.seat.identity}-{self._episodes}"
            self._client.seat.leash.send(
                "incident", id=alert_id, event="disk_full", text=f"waits: {error}"
            )
        if now - self._since >= self._limit_s or self._client.orphaned is not None:
            raise error
        sleep(_RETRY_S)

    def settle(self) -> None:
        """There is room again."""
        self._since = None
