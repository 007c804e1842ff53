"""Whether a file or folder is still what it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

GONE = "gone"


def fingerprint(path: Path) -> str:
    """A file's SHA-256; a folder's, over the names, sizes and times of change of what is in it.

    Pictures of a folder are not read: there may be many. What does not exist is `gone`.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return GONE


def _of_folder(root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        stat = file.stat()
        digest.update(f"{file.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
