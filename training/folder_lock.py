"""A folder that one process at a time writes to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import BadInput


@contextmanager
def only_one(folder: Path, holder: str) -> Iterator[None]:
    """Makes `folder` if it is not there and holds it, without a file in it, while the body runs.

    A folder that was made for a body that fails, and that is empty, is gone afterwards.
    Raises BadInput if another process holds it, or if there can be no such folder.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror}") from error
    try:
        with suppress(OSError):  # a file system without locks: nothing can be promised there
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BadInput(f"--out {folder}: {holder} is at work there") from error
        yield
    except BaseException:
        if made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise
    finally:
        os.close(handle)


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
