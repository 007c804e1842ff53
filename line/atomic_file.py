"""Files that a reader finds old or new, never in part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_native_id


def write_atomically(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Put `data` in the place of the file at `path`; otherwise as `replacing`."""
    with replacing(path, sync=sync) as fd:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[int]:
    """A descriptor to write to; the file takes the place of the one at `path` at the end.

    There need not be one yet. The mode is that of any new file under the umask. With `sync` the
    file and its name are on the disk when the context ends. A link at `path` is replaced, not
    followed. After any exception the file at `path` is as it was, and no temporary file is left.

    Raises:
        OSError: naming `path`, if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{get_native_id()}.tmp")
    try:
        fd = _opened_new(temporary)
        try:
            yield fd
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
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


def _opened_new(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileExistsError:  # a killed process left it, whose number is this thread's now
        path.unlink()
        return os.open(path, flags, 0o666)
