"""A folder that one process at a time writes to."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from training.errors import BadInput


class FolderLock:
    """The right to write to `folder`, held from `acquire` until `release` or the process's end.

    A record lock: unlike flock's it does not live on in the processes that load pictures when the
    one that started them is killed. Within one process it shuts nobody out.
    """

    def __init__(self, folder: Path, name: str, option: str, holder: str) -> None:
        self._file = folder / name
        self._refusal = f"{option} {folder}: {holder} is at work there"
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take it; the folder is there. Raises BadInput if another process has it, and OSError."""
        if self._handle is not None:
            return
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            self.release()
            raise BadInput(self._refusal) from error
        except OSError:
            return  # a file system without locks: nothing can be promised there

    def release(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
