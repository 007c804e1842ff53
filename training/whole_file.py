"""Files that are whole or not there, whatever kills the process, the disk or the machine.

What is written is complete in memory first: each library that writes files itself has an error of
its own for a full disk, and some have none.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import BadInput


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replace_bytes(path: Path, data: bytes | memoryview) -> None:
    """Put `data` in the file's place, or leave that as it was. Raises OSError that names `path`.

    It reaches the disk before its name does, so a power cut leaves the old file or the new one.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        # Where it cannot be removed, what went wrong before is what there is to tell.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """The same with a text, as UTF-8; what UTF-8 cannot say, as of a file's name, is escaped."""
    replace_bytes(path, text.encode(errors="backslashreplace"))


def replace_table(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """The same with a table, as CSV; the first row names the columns."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    replace_text(path, stream.getvalue())


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError of the block the name of what could not be written, if it has none."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def check_writable(option: str, folder: Path) -> None:
    """Raise BadInput if the folder could not be made or written to. Makes nothing."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise BadInput(f"{option} {folder}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{option} {folder}: {there} is not writable")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
