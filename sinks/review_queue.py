"""The review queue: a SQLite file of doubtful items, their pictures beside it, people's labels.

    RUN_DIR/review/queue.sqlite     table items: one row for each queued item
                                    table labels: everything anybody said about an item, in order
    RUN_DIR/review/images/ID.png    the picture as the model saw it

Whoever labels, trains or looks on meets the line here, in files.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from line.errors import BadInput
from sinks.append_file import sync_folder
from sinks.room import refused

_BUSY_S = 5.0
_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What sqlite3 raises on a damaged file; the second where its own complaint quotes the damage."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    frame_id TEXT PRIMARY KEY,
    image TEXT NOT NULL,
    predicted_class TEXT NOT NULL,
    confidence REAL NOT NULL,
    margin REAL NOT NULL,
    top3 TEXT NOT NULL,
    reason TEXT NOT NULL,
    scheduled_s REAL NOT NULL,
    picture_hash INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY,
    frame_id TEXT NOT NULL,
    label TEXT NOT NULL,
    labelled_by TEXT NOT NULL,
    labelled_at TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A row of `items`.

    `image` is relative to the queue's folder; `margin` is the gap between the two best
    probabilities; `reason` says why it was queued; `picture_hash` is a signed 64-bit dHash.
    """

    frame_id: str
    image: str
    predicted_class: str
    confidence: float
    margin: float
    top3: str
    reason: str
    scheduled_s: float
    picture_hash: int


_COLUMNS = ", ".join(field.name for field in fields(QueuedItem))
_PLACES = ", ".join("?" for _ in fields(QueuedItem))


class ReviewQueue:
    """Context manager over the SQLite file in `folder`, which is made if need be.

    `sync`: what is queued survives a power cut. Raises BadInput, naming the file, if it is damaged.
    """

    def __init__(self, folder: Path, *, sync: bool = False) -> None:
        self.folder = folder
        self._sync = sync
        (folder / "images").mkdir(parents=True, exist_ok=True)
        path = folder / "queue.sqlite"
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare()
        except _DAMAGE as error:
            self._db.close()
            raise BadInput(f"{path}: {error}") from None

    def _prepare(self) -> None:
        self._switch_to_wal()
        self._db.execute(f"PRAGMA synchronous = {'FULL' if self._sync else 'NORMAL'}")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(SCHEMA)
        if self._sync:
            sync_folder(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _switch_to_wal(self) -> None:
        """Two who make the file at once: for this one statement SQLite does not wait by itself."""
        deadline = monotonic() + _BUSY_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if monotonic() > deadline:
                    raise
                sleep(0.01)
            else:
                return

    def write_image(self, image: str, data: bytes) -> None:
        """Write an item's picture before it is queued; `image` is relative to the folder.

        Raises DiskFull.
        """
        path = self.folder / image
        try:
            with path.open("wb") as file:
                file.write(data)
                if self._sync:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
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

        Raises DiskFull, having queued none.
        """
        if self._sync:
            sync_folder(self.folder / "images")
        try:
            self._db.execute("BEGIN IMMEDIATE")
            # Only names of this class's own fields are put together here.
            self._db.executemany(
                f"INSERT INTO items ({_COLUMNS}) VALUES ({_PLACES}) ON CONFLICT DO NOTHING",  # noqa: S608
                [astuple(item) for item in items],
            )
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise refused(self.folder / "queue.sqlite", error) from None

    def items(self) -> list[QueuedItem]:
        """All queued items, in the order of their triggers. Raises BadInput if they are damaged."""
        rows = self._select(
            f"SELECT {_COLUMNS} FROM items ORDER BY scheduled_s, frame_id"  # noqa: S608
        )
        return [QueuedItem(*row) for row in rows]

    def label(self, frame_id: str, label: str, labelled_by: str) -> None:
        """Record what somebody says an item is; the last word counts, the others stay on record."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._db.execute(
            "INSERT INTO labels (frame_id, label, labelled_by, labelled_at) VALUES (?, ?, ?, ?)",
            (frame_id, label, labelled_by, now),
        )

    def labels(self) -> dict[str, str]:
        """frame_id → the last label it was given. Raises BadInput if they are damaged."""
        return dict(self._select("SELECT frame_id, label FROM labels ORDER BY id"))

    def _select(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query).fetchall()
        except _DAMAGE as error:
            raise BadInput(f"{self.folder / 'queue.sqlite'}: {error}") from None
