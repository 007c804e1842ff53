"""Files opened only if they are files: no pipe, no device, no link, nobody else's, none too large.

A run folder may come from anywhere, and what stands under a name that the line knows may be a pipe
that never says anything, or a link to something else. Every error is an OSError whose `strerror`
says in words what is wrong with the file that it names.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from pictures.regular_file import open_regular

LARGEST_JSON = 64 * 10**6
"""Bytes; no JSON file of a run comes near it."""


def read_regular(
    path: Path, largest: int, *, follow_links: bool = False, only_ours: bool = False
) -> bytes:
    """All of a regular file, see `open_regular`.

    Raises:
        OSError: as there, or if it holds more than `largest` bytes.
    """
    fd = open_regular(path, follow_links=follow_links, only_ours=only_ours)
    with os.fdopen(fd, "rb") as file:
        size = os.fstat(fd).st_size
        if size > largest:
            raise _too_large(path, largest)
        data = file.read(size + 1)  # room is taken for as much as is asked for
        if len(data) > size:  # it has grown meanwhile
            data += file.read(largest - size)
    if len(data) > largest:
        raise _too_large(path, largest)
    return data


def _too_large(path: Path, largest: int) -> OSError:
    return OSError(errno.EFBIG, f"is larger than {largest / 1e6:g} MB", str(path))
