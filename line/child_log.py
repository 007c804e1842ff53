"""A child's log file, which must not fill the disk however much the child says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


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
