"""Who has which item before their eyes, so that two people are never given the same one.

A lease stands in the queue's own file: it holds between consoles too, and outlives their restarts.
It ends with a label, when its holder takes another item, or by time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection
from time import time

from line.run_files.review_file import COLUMNS, QueuedItem, ReviewFile

LEASE_S = 120.0
"""Longer than anybody looks at one picture; whoever went for coffee loses it."""
# A clock that was set back leaves leases far in the future: those hold nobody up either.
_EXPIRED = f"NOT until BETWEEN :now AND :now + {LEASE_S}"
_UNDECIDED = (
    "frame_id NOT IN (SELECT frame_id FROM labels WHERE id NOT IN (SELECT label_id FROM withdrawn))"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items to look at; None: any."""

    predicted_class: str | None = None
    reason: str | None = None

    def includes(self, item: QueuedItem) -> bool:
        """Whether an item is one of them."""
        return self.predicted_class in (None, item.predicted_class) and self.reason in (
            None,
            item.reason,
        )


def lend(
    file: ReviewFile, holder: str, wanted: Wanted, passed_over: Iterable[str] = ()
) -> QueuedItem | None:
    """The item to be asked about next, which nobody has decided or looks at; None if there is none.

    First what is unlike what the model was made of, then the most doubtful.

    The holder's earlier lease ends.
    """
    with file.transaction() as db:
        _clear(db, holder)
        # Only the names of the columns are put together here.
        row = db.execute(
            f"SELECT {COLUMNS} FROM items WHERE {_UNDECIDED}"  # noqa: S608
            " AND frame_id NOT IN (SELECT frame_id FROM leases)"
            " AND frame_id NOT IN (SELECT value FROM json_each(:passed_over))"
            " AND predicted_class = ifnull(:predicted_class, predicted_class)"
            " AND reason = ifnull(:reason, reason)"
            " ORDER BY reason = 'novelty' DESC, margin, frame_id LIMIT 1",
            {
                "passed_over": json.dumps(list(passed_over)),
                "predicted_class": wanted.predicted_class,
                "reason": wanted.reason,
            },
        ).fetchone()
        if row is None:
            return None
        item = QueuedItem(*row)
        _lease(db, holder, item.frame_id)
        return item


def lend_this(file: ReviewFile, holder: str, frame_id: str) -> bool:
    """Lease an item that was asked for by name; False, and no lease, if somebody else has it."""
    with file.transaction() as db:
        _clear(db, holder)
        if db.execute("SELECT 1 FROM leases WHERE frame_id = ?", (frame_id,)).fetchone():
            return False
        _lease(db, holder, frame_id)
        return True


def renew(file: ReviewFile, holder: str) -> None:
    """The holder still looks at what they have."""
    with file.transaction() as db:
        db.execute("UPDATE leases SET until = ? WHERE holder = ?", (time() + LEASE_S, holder))


def give_back(file: ReviewFile, holder: str) -> None:
    """The holder has left."""
    with file.transaction() as db:
        _clear(db, holder)


def _clear(db: Connection, holder: str) -> None:
    db.execute(
        f"DELETE FROM leases WHERE holder = :holder OR {_EXPIRED}",  # noqa: S608
        {"holder": holder, "now": time()},
    )


def _lease(db: Connection, holder: str, frame_id: str) -> None:
    db.execute("INSERT INTO leases VALUES (?, ?, ?)", (frame_id, holder, time() + LEASE_S))
