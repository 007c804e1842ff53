"""The folder of the line's sockets while the line runs: noticed when it is lost, and made again.

Programs that tidy up remove old files under /tmp, and people do. A process that is connected stays
connected, but nobody new comes in, so a lost folder ends a line at its next restart.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from line.process.runtime_dir import CONTROL, FEED, PLACED, ROLES, SHADOW, mark

_DISPATCHERS = tuple(f"{name}.ipc" for name in (*ROLES, FEED, SHADOW))


class SocketFolder:
    """Holds a shared lock on it, which systemd-tmpfiles takes for a sign of life."""

    def __init__(
        self, path: Path, run_dir: Path, token: str, *, is_on_cluster: bool = False
    ) -> None:
        """`is_on_cluster`: the line's workers are. Raises OSError if there is no such folder."""
        self._path = path
        self._run_dir = run_dir
        self._token = token
        self._names = (*_DISPATCHERS, *((f"{PLACED}.ipc",) if is_on_cluster else ()))
        self._fd = -1
        self._hold()

    def is_whole(self, *, dispatcher_is_ready: bool) -> bool:
        """Whether it is the folder of before, with every socket that should be in it."""
        expected = (CONTROL, *self._names) if dispatcher_is_ready else (CONTROL,)
        try:
            same = os.path.samestat(os.fstat(self._fd), self._path.lstat())
            return same and all((self._path / name).is_socket() for name in expected)
        except OSError:
            return False

    def restore(self) -> None:
        """Make it again, without the sockets: whose they are binds them anew.

        Raises:
            OSError: if it cannot be made, or somebody else's is in its place.
        """
        with suppress(FileExistsError):
            self._path.mkdir(mode=0o700)
        found = self._path.lstat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o170077 != 0o040000:
            raise PermissionError(1, "is not a folder of this user alone", str(self._path))
        os.close(self._fd)
        self._hold()
        mark(self._path, self._run_dir, self._token)

    def close(self) -> None:
        os.close(self._fd)

    def _hold(self) -> None:
        self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
