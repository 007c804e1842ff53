"""The review queue as the line fills it: items and their pictures, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path

from line.atomic_file import sync_folder
from line.errors import BadInput
from line.review_file import BUSY_S, COLUMNS, QueuedItem, ReviewFile
from sinks.room import refused

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

    def write_image(self, image: str, data: bytes) -> None:
        """Write an item's picture before it is queued; `image` is relative to the folder.

        Raises StorageError.
        """
        path = self.folder / image
        try:
            with path.open("wb") as file:
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
