"""The review queue's file: doubtful items, and everything that people said about them.

    RUN_DIR/review/queue.sqlite     items       one row for each queued item
                                    labels      everything anybody said about an item, in order
                                    withdrawn   labels that were taken back again
                                    leases      items that are before somebody's eyes just now
    RUN_DIR/review/images/ID.png    the picture as the model saw it

The line fills it, people label it at the same time, and the trainer reads it, all without knowing
of one another.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from line.errors import BadInput

FILE = "queue.sqlite"
NONE_OF_THESE = ".none-of-these"
"""The label of a picture that shows none of the classes. No class can be called so: a label names
a folder, and a hidden one is none of a trainer's class folders."""

BUSY_S = 5.0
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
CREATE TABLE IF NOT EXISTS withdrawn (
    label_id INTEGER PRIMARY KEY,
    withdrawn_by TEXT NOT NULL,
    withdrawn_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS leases (
    frame_id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until REAL NOT NULL
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


COLUMNS = ", ".join(field.name for field in fields(QueuedItem))


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody said an item is, and stands by; `when` is an ISO time, UTC."""

    number: int
    frame_id: str
    label: str
    who: str
    when: str


class ReviewFile:
    """Context manager over the SQLite file in `folder`, which is made if need be.

    `sync`: what is written survives a power cut. `busy_s`: how long to wait for others who write.
    Raises BadInput, naming a file that is damaged or cannot be opened.
    """

    def __init__(self, folder: Path, *, sync: bool = False, busy_s: float = BUSY_S) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._busy_s = busy_s
        try:
            (folder / "images").mkdir(parents=True, exist_ok=True)
            # Not opened to find out: to close it would give up the locks that SQLite has on it.
            if os.path.lexists(self.path) and not stat.S_ISREG(self.path.lstat().st_mode):
                raise BadInput(f"{self.path}: is not a regular file")
        except OSError as error:
            raise BadInput(f"{error.filename or folder}: {error.strerror or error}") from None
        with self._naming_damage():
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=busy_s)
        try:
            self._switch_to_wal()
            self._db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            self._db.executescript(SCHEMA)
        except _DAMAGE as error:
            self._db.close()
            raise BadInput(f"{self.path}: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _switch_to_wal(self) -> None:
        """Two who make the file at once: for this one statement SQLite does not wait by itself."""
        deadline = monotonic() + self._busy_s
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if monotonic() > deadline:
                    raise
                sleep(0.01)
            else:
                return

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the body or none of it; nobody else writes meanwhile, so keep it short."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def items(self) -> list[QueuedItem]:
        """All queued items, in the order of their triggers. Raises BadInput if they are damaged."""
        # Only names of a class's own fields are put together here.
        rows = self.select(f"SELECT {COLUMNS} FROM items ORDER BY scheduled_s, frame_id")  # noqa: S608
        return [QueuedItem(*row) for row in rows]

    def item(self, frame_id: str) -> QueuedItem | None:
        """One queued item; None if it never was queued."""
        rows = self.select(f"SELECT {COLUMNS} FROM items WHERE frame_id = ?", frame_id)  # noqa: S608
        return QueuedItem(*rows[0]) if rows else None

    def label(self, frame_id: str, label: str, labelled_by: str) -> int:
        """Record what somebody says an item is; the last word counts, the others stay on record.

        Returns the label's number, by which it can be withdrawn. Raises BadInput if the file is
        damaged or may not be written.
        """
        with self._naming_damage(), self.transaction() as db:
            db.execute("DELETE FROM leases WHERE frame_id = ?", (frame_id,))
            cursor = db.execute(
                "INSERT INTO labels (frame_id, label, labelled_by, labelled_at)"
                " VALUES (?, ?, ?, ?)",
                (frame_id, label, labelled_by, _now()),
            )
            return int(cursor.lastrowid or 0)

    def withdraw(self, number: int, who: str) -> None:
        """Take a label back: it counts no more, and stays on record with who took it back.

        Raises BadInput if the file is damaged or may not be written.
        """
        with self._naming_damage(), self.transaction() as db:
            db.execute(
                "INSERT INTO withdrawn VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (number, who, _now()),
            )

    def history(self, frame_id: str | None = None) -> list[Label]:
        """All labels that stand, of one item or of all, in the order in which they were given."""
        rows = self.select(
            "SELECT id, frame_id, label, labelled_by, labelled_at FROM labels"
            " WHERE id NOT IN (SELECT label_id FROM withdrawn) AND frame_id = ifnull(?, frame_id)"
            " ORDER BY id",
            frame_id,
        )
        return [Label(*row) for row in rows]

    def labels(self) -> dict[str, str]:
        """frame_id → the last label it was given. Raises BadInput if they are damaged."""
        return {label.frame_id: label.label for label in self.history()}

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises BadInput if the file is damaged."""
        with self._naming_damage():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise BadInput(f"{self.path}: {error}") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
