"""Small files that a reader finds old or new, never in part."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import get_native_id


def write_atomically(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Put `data` in the place of the file at `path`, which need not be there yet.

    The mode is that of any new file under the umask. With `sync` the file and its name are on the
    disk when the call returns. A link at `path` is replaced, not followed.

    Raises:
        OSError: naming `path`, if it cannot be written; the file there is then as it was, and no
            temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{get_native_id()}.tmp")
    try:
        _write_new(temporary, data, sync)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise
    if sync:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the folder's list of files on the disk. Raises OSError if that fails."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_new(path: Path, data: bytes, sync: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o666)
    except FileExistsError:  # a killed process left it, whose number is this thread's now
        path.unlink()
        fd = os.open(path, flags, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)
