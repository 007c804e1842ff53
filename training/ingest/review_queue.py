"""The line's review queue, read and never written: RUN_DIR/review/queue.sqlite and images/.

The line may be writing meanwhile: its file is in WAL mode, where a reader sees one consistent
state and holds nobody up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from training.errors import BadInput
from training.ingest.label_event import LabelEvent, Source, moment, picture_below

BUSY_S = 5.0
STANDING = (
    "CREATE TEMP VIEW standing AS"
    " SELECT * FROM labels WHERE id NOT IN (SELECT label_id FROM withdrawn)"
)
ALL_STAND = "CREATE TEMP VIEW standing AS SELECT * FROM labels"
"""for queues that an earlier line has made"""


@dataclass(frozen=True)
class QueuedItem:
    """An item that the line was in doubt about; `top3` are (class, probability), best first.

    `image` is relative to RUN_DIR/review.
    """

    frame_id: str
    image: str
    top3: tuple[tuple[str, float], ...]


def queue_file(run: Path) -> Path:
    """Where a run keeps its queue."""
    return run / "review" / "queue.sqlite"


def read_labels(run: Path) -> Source:
    """All labels of a run in the order they were given. BadInput that names the file."""
    file = queue_file(run)
    with _open(file) as db:
        labels = db.execute(
            "SELECT frame_id, label, labelled_by, labelled_at FROM standing ORDER BY id"
        ).fetchall()
        images = dict(db.execute("SELECT frame_id, image FROM items").fetchall())
    name = run_name(run)
    events = []
    for frame_id, label, who, when in labels:
        try:
            moment(when)
        except ValueError:
            raise BadInput(f"{file}: {frame_id} was labelled at {when!r}: not a time") from None
        events.append(LabelEvent(f"{name}/{frame_id}", label, who, when, f"review-queue:{name}"))
    pictures: dict[str, Path | str] = {
        f"{name}/{frame_id}": picture_below(file.parent, images[frame_id])
        if frame_id in images
        else "was labelled without being in the queue, which keeps the pictures"
        for frame_id, *_ in labels
    }
    return Source(tuple(events), pictures)


def read_unlabelled(run: Path) -> list[QueuedItem]:
    """Items that nobody has labelled yet, in the order of their triggers. BadInput as above."""
    file = queue_file(run)
    with _open(file) as db:
        rows = db.execute(
            "SELECT frame_id, image, top3 FROM items WHERE frame_id NOT IN "
            "(SELECT frame_id FROM standing) ORDER BY scheduled_s, frame_id"
        ).fetchall()
    try:
        return [QueuedItem(frame_id, image, _top3(text)) for frame_id, image, text in rows]
    except ValueError as error:
        raise BadInput(f"{file}: {error}") from error


def run_name(run: Path) -> str:
    """A run is called as its folder is; frame ids are unique only within a run."""
    return run.resolve().name


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection in which every statement sees the same state.

    `standing` are the labels that nobody took back.
    """
    if not file.is_file():
        raise BadInput(f"{file}: no such file")
    uri = f"file:{quote(str(file.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)) as db:
            db.execute("BEGIN")
            records_withdrawals = db.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'withdrawn'"
            ).fetchone()
            db.execute(STANDING if records_withdrawals else ALL_STAND)
            yield db
    except sqlite3.Error as error:
        raise BadInput(f"{file}: not a readable review queue: {error}") from error


def _top3(text: Any) -> tuple[tuple[str, float], ...]:
    """`glass:0.4500|paper:0.3500`; a class's name may hold a colon."""
    ranking = []
    for pair in str(text).split("|"):
        name, colon, probability = pair.rpartition(":")
        try:
            ranking.append((name, float(probability)))
        except ValueError:
            colon = ""
        if not colon:
            raise ValueError(f"top3 {text!r} is not CLASS:PROBABILITY|…")
    return tuple(ranking)
