"""The review queue as the line fills it: items and their pictures, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path

from line.atomic_file import sync_folder
from line.errors import BadInput
from line.run_files.review_file import BUSY_S, COLUMNS, QueuedItem, ReviewFile
from pictures.regular_file import open_regular
from sinks.room import refused

_ENDS = ("-wal", "-shm")
_PLACES = ", ".join("?" for _ in fields(QueuedItem))


class ReviewQueue(ReviewFile):
    """The queue's file, with what it takes to add to it.

    `sync`: what is queued survives a power cut. Raises BadInput, naming the file, if it is damaged.
    """

    def __init__(self, folder: Path, *, sync: bool = False, busy_s: float = BUSY_S) -> None:
        super().__init__(folder, sync=sync, busy_s=busy_s)
        self._sync = sync
        try:
            if sync:
                sync_folder(folder)
        except OSError as error:
            self.__exit__()
            raise BadInput(f"{folder}: {error.strerror or error}") from None
        self._identity = _identity(self.path)
        self._write_ahead = [self.path.with_name(f"{self.path.name}{end}") for end in _ENDS]
        self._their_identities = [_identity(path) for path in self._write_ahead]

    def is_in_place(self) -> bool:
        """The file under the queue's name is the one that is open."""
        return _identity(self.path) == self._identity

    def leave(self) -> None:
        """Close a queue that is not in place, and take along what SQLite wrote ahead for it.

        SQLite would leave that, and write it into the file that has taken the queue's name.
        """
        self.__exit__()
        for path, identity in zip(self._write_ahead, self._their_identities, strict=True):
            if identity is not None and _identity(path) == identity:
                with suppress(OSError):
                    path.unlink()

    def write_image(self, image: str, data: bytes) -> None:
        """Write an item's picture before it is queued; `image` is relative to the folder.

        Raises StorageError.
        """
        path = self.folder / image
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                if self._sync:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise refused(path, error) from None

    def image_bytes(self, image: str) -> int:
        """Size of an item's picture file; 0 if there is none (any more)."""
        try:
            return (self.folder / image).stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, items: list[QueuedItem]) -> None:
        """Queue items in one transaction; known ones stay as they are.

        Raises StorageError, having queued none.
        """
        if self._sync:
            sync_folder(self.folder / "images")
        try:
            with self.transaction() as db:
                # Only names of the class's own fields are put together here.
                db.executemany(
                    f"INSERT INTO items ({COLUMNS}) VALUES ({_PLACES}) ON CONFLICT DO NOTHING",  # noqa: S608
                    [astuple(item) for item in items],
                )
        except sqlite3.DatabaseError as error:
            raise refused(self.path, error) from None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies under a name; None if there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
