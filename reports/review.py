"""The review queue as the line left it: items that wait for a label, and their pictures."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """One queued item. `picture` is its file; it need not exist."""

    frame_id: str
    picture: Path
    predicted_class: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Queue:
    """How many items wait, and the least confident of them, the least first."""

    count: int = 0
    first: tuple[QueuedItem, ...] = ()


def read_queue(review_dir: Path, most: int = 1000) -> Queue:
    """Of `review_dir/queue.sqlite`, with the first `most` items; empty if there is no queue.

    Raises:
        BadInput: the file is there but is not a review queue.
    """
    path = review_dir / "queue.sqlite"
    if not path.is_file():
        return Queue()
    try:
        # Read-only, so that a look at a running line takes no write lock.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as queue:
            if not queue.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'items'"
            ).fetchone():
                return Queue()
            (count,) = queue.execute("SELECT count(*) FROM items").fetchone()
            rows = queue.execute(
                "SELECT frame_id, image, predicted_class, confidence, reason FROM items"
                " ORDER BY confidence, frame_id LIMIT ?",
                (most,),
            ).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: a complaint about damage
        raise BadInput(f"{path}: {error}") from None
    first = tuple(
        QueuedItem(
            frame_id=str(frame_id),
            picture=review_dir / str(image),
            predicted_class=str(predicted_class or ""),
            confidence=_share(confidence),
            reason=str(reason or ""),
        )
        for frame_id, image, predicted_class, confidence, reason in rows
    )
    return Queue(int(count), first)


def _share(value: object) -> float:
    """A number in 0..1; 0 for anything else, which no sink has written."""
    is_share = isinstance(value, int | float) and 0 <= value <= 1
    return float(value) if is_share else 0.0  # type: ignore[arg-type]
