"""The plant's PostgreSQL database: every row, event, alarm and label of a run, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from line.errors import StorageError
from line.outcome import COLUMNS, Outcome
from line.plain_text import plain
from line.run_files.said_labels import SaidLabel
from sinks.follower import LineEvent
from sinks.plant import schema
from sinks.plant.run_record import RunRecord

_CONNECTION: dict[str, str | int] = {
    "application_name": "scrapline",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms; a server whose cable was pulled is given up
}
ITEM_COLUMNS = COLUMNS[1:]
"""Of the table `items`, behind `run`: those of results.csv but for `frame_id`."""
_item = attrgetter(*ITEM_COLUMNS)
_VERDICT = ITEM_COLUMNS.index("verdict")
_LONGEST_ID = 300
_LONGEST_TEXT = 2000
_ONCE = "ON CONFLICT DO NOTHING"
_LATEST = (
    "ON CONFLICT (run, camera, seq, number, labelled_at) DO UPDATE SET is_withdrawn = true"
    " WHERE excluded.is_withdrawn AND NOT labels.is_withdrawn"
)
_RUN = [field.name for field in fields(RunRecord)]
_SET = ", ".join(f"{name} = excluded.{name}" for name in _RUN[1:])
_PLACES = ", ".join(["%s"] * len(_RUN))
# Only names of the record's own fields are put together here.
_RUN_UPSERT = f"""
INSERT INTO scrapline.runs ({", ".join(_RUN)}) VALUES ({_PLACES})
ON CONFLICT (uid) DO UPDATE SET {_SET} WHERE runs.revision < excluded.revision
"""  # noqa: S608

_KEEP_WHAT_IS_COMMITTED = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""
"""With "off" a server that is killed loses what it has called committed."""


class Postgres:
    """An `Outlet`; it connects when there is something to put, and again after any error.

    `dsn`: libpq's connection string; what it leaves out comes from libpq's own variables. `record`
    reads what is known of the run.
    """

    def __init__(self, dsn: str, record: Callable[[], RunRecord]) -> None:
        self._dsn = dsn
        self._record = record
        self._db: psycopg.Connection[Any] | None = None
        self._run = 0
        """the run's number in this database"""

    def put_rows(self, rows: Sequence[Outcome]) -> None:
        self._put("items", map(_row, rows), _ONCE)

    def put_events(self, events: Sequence[LineEvent]) -> None:
        self._put("alerts", filter(None, map(_event, events)), _ONCE)

    def put_labels(self, labels: Sequence[SaidLabel]) -> None:
        self._put("labels", filter(None, map(_label, labels)), _LATEST)

    def close(self) -> None:
        if self._db is not None:
            with suppress(psycopg.Error):
                self._db.close()
            self._db = None

    # -- inside -----------------------------------------------------------------------------------

    def _put(self, table: str, rows: Iterable[Sequence[object]], on_conflict: str) -> None:
        """Copied to a table of this connection's own, then added where they are new."""
        with self._connection() as db, db.transaction():
            with (
                db.cursor() as cursor,
                cursor.copy(f"COPY new_{table} FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    copy.write_row((self._run, *row))
            # Names of tables are this module's own.
            add = f"INSERT INTO scrapline.{table} SELECT * FROM new_{table} {on_conflict}"  # noqa: S608
            db.execute(add.encode())

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Raises StorageError for all that goes wrong with it, and lets go of it then."""
        try:
            if self._db is None:
                conninfo = make_conninfo(self._dsn, **_CONNECTION)
                self._db = psycopg.connect(conninfo, autocommit=True)
                self._prepare(self._db)
            yield self._db
        except BaseException as error:
            self.close()
            if isinstance(error, StorageError):
                raise StorageError(f"PostgreSQL: {error}") from None
            if isinstance(error, psycopg.Error):
                why = error.diag.message_primary or str(error)
                raise StorageError(f"PostgreSQL: {plain(why, 1000)}") from None
            raise

    def _prepare(self, db: psycopg.Connection[Any]) -> None:
        db.execute(_KEEP_WHAT_IS_COMMITTED)
        schema.prepare(db)
        for table in schema.TABLES[1:]:
            new = f"CREATE TEMP TABLE new_{table} (LIKE scrapline.{table}) ON COMMIT DELETE ROWS"
            db.execute(new.encode())
        with db.transaction():
            self._run = _put_run(db, self._record())


def _put_run(db: psycopg.Connection[Any], record: RunRecord) -> int:
    values = [list(value) if isinstance(value, tuple) else value for value in astuple(record)]
    db.execute(_RUN_UPSERT.encode(), values)
    row = db.execute("SELECT run FROM scrapline.runs WHERE uid = %s", [record.uid]).fetchone()
    assert row is not None
    return int(row[0])


def _row(row: Outcome) -> Sequence[object]:
    values = list(_item(row))
    values[_VERDICT] = row.verdict.value
    return values


def _event(event: LineEvent) -> Sequence[object] | None:
    """None where it did not happen at any time."""
    if not _is_time(event.at):
        return None
    return (
        plain(event.id, _LONGEST_ID),
        plain(event.event, _LONGEST_ID),
        plain(event.level, _LONGEST_ID),
        plain(event.text, _LONGEST_TEXT),
        event.at,
        *(plain(each, _LONGEST_ID) for each in (event.process, event.frame_id, event.priority)),
        plain(event.clears, _LONGEST_ID),
    )


def _label(label: SaidLabel) -> Sequence[object] | None:
    """None where it is about no item that there can be."""
    found = re.fullmatch(r"(\d{1,4})-(\d{1,15})", label.frame_id)
    if found is None or not _is_time(label.when):
        return None
    texts = (plain(label.label), plain(label.who))
    place = (int(found[1]), int(found[2]), label.number)
    return (*place, label.when, *texts, label.is_withdrawn)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
