"""Files that are whole or not there, whatever kills the process or the machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import BadInput


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A neighbour of `path` to write to, which takes its place when the block ends well.

    It reaches the disk before its name does, so a power cut leaves the old file or the new one.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        yield partial
        _sync(partial, os.O_RDWR)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    _sync(path.parent, os.O_RDONLY)


def replace_text(path: Path, text: str) -> None:
    r"""Put a text (UTF-8) in the file's place. Raises OSError.

    What no UTF-8 can hold, of a file's name that is none, becomes `\udcff`, which JSON reads back.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def check_writable(option: str, folder: Path) -> None:
    """Raise BadInput if the folder could not be made or written to. Makes nothing."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise BadInput(f"{option} {folder}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{option} {folder}: {there} is not writable")


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
