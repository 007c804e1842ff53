"""A child's log file, which must not fill the disk however much the child says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from line.plain_text import plain
from pictures.regular_file import open_regular

_TAIL_BYTES = 4096


def last_line(log: Path) -> str:
    """The last thing that stands in the log, in one plain line; empty if there is nothing."""
    try:
        with os.fdopen(open_regular(log), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((plain(line.strip(), 200) for line in reversed(lines) if line.strip()), "")


def opened(log: Path) -> int:
    """A descriptor to add to the log with; where there can be none, one that keeps nothing.

    A process does without its log rather than not at all. Raises OSError without a descriptor.
    """
    try:
        log.parent.mkdir(exist_ok=True)
        return open_regular(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, only_ours=True)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def turn(log: Path, most_bytes: float) -> bool:
    """Move the log to `NAME.log.1` once it is longer than `most_bytes`; says whether it did.

    The child goes on writing to the same file, which it opened for appending and which is emptied
    in place: what it says between the copy and that moment is lost.
    """
    try:
        if log.stat().st_size <= most_bytes:
            return False
        older = log.with_name(f"{log.name}.1")
        older.unlink(missing_ok=True)  # not written through: it may be a link
        shutil.copyfile(log, older)
        os.truncate(log, 0)
    except OSError:
        return False  # gone, or a full disk: the next look tries again
    return True
