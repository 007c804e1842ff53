"""Files of a folder by a name that somebody sent: the name can never lead out of the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from line.errors import BadInput

_LONGEST_NAME = 255
"""Bytes, as file systems have it."""


def open_inside(root: Path, name: str) -> BinaryIO:
    """Open the file `root/name` to read; the caller closes it.

    Each part of the name is opened in the folder before it and may be no link, so that a name
    with `..`, an absolute one and a symbolic link are all refused, also one that is put in place
    at this moment.

    Raises:
        BadInput: if the name leads elsewhere, or there is no such plain file.
    """
    *folders, last = _parts(name)
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                os.close(fd)
                fd = inner
            # Opening a pipe would wait for its other end.
            file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd)
        finally:
            os.close(fd)
    except (OSError, ValueError):  # a zero byte, a character that the file system cannot spell
        raise BadInput(f"{name!r}: no such file here") from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise BadInput(f"{name!r}: not a file")
    return os.fdopen(file, "rb")


def is_name(text: str) -> bool:
    """Whether a text is the plain name of one visible file or folder."""
    try:
        fits = 0 < len(text.encode()) <= _LONGEST_NAME
    except UnicodeEncodeError:  # no address of a page could hold it
        return False
    return fits and not text.startswith(".") and not set(text) & set("/\\\0")


def _parts(name: str) -> list[str]:
    parts = name.split("/")
    if not all(is_name(part) for part in parts):
        raise BadInput(f"{name!r}: leads elsewhere")
    return parts
