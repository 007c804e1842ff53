"""The review queue: a SQLite file of doubtful items, their pictures beside it, people's labels.

    RUN_DIR/review/queue.sqlite     table items: one row for each queued item
                                    table labels: everything anybody said about an item, in order
    RUN_DIR/review/images/ID.png    the picture as the model saw it

Whoever labels, trains or looks on meets the line here, in files.
"""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Self

_BUSY_S = 5.0
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
    """Context manager over the SQLite file in `folder`, which is made if need be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "images").mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "queue.sqlite", isolation_level=None)
        self._switch_to_wal()
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(SCHEMA)

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
                    self._db.close()
                    raise
                sleep(0.01)
            else:
                return

    def add(self, items: list[QueuedItem]) -> None:
        """Queue items in one transaction; known ones stay as they are."""
        self._db.execute("BEGIN IMMEDIATE")
        # Only names of this class's own fields are put together here.
        self._db.executemany(
            f"INSERT INTO items ({_COLUMNS}) VALUES ({_PLACES}) ON CONFLICT DO NOTHING",  # noqa: S608
            [astuple(item) for item in items],
        )
        self._db.execute("COMMIT")

    def items(self) -> list[QueuedItem]:
        """All queued items, in the order of their triggers."""
        rows = self._db.execute(
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
        """frame_id → the last label it was given."""
        return dict(self._db.execute("SELECT frame_id, label FROM labels ORDER BY id").fetchall())
