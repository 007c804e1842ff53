"""The tables in the plant's database: made, brought to this version, and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from psycopg import Connection

from line.errors import StorageError

TABLES = ("runs", "items", "alerts", "labels")
_FILES = ("schema_1.sql", "schema_2.sql")
"""What leads from each version to the next, the first from nothing."""
_LOCK = 7_240_618_553
"""Of whoever makes or changes the tables; any number that others do not use."""
_VERSIONS = """
CREATE TABLE scrapline.versions (
    version bigint PRIMARY KEY, shape jsonb NOT NULL, made_at timestamptz NOT NULL DEFAULT now()
)
"""
_COLUMNS = """
SELECT relname, attname || ' ' || format_type(atttypid, atttypmod)
    || CASE WHEN attnotnull THEN ' not null' ELSE '' END
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'scrapline'::regnamespace AND relname = ANY(%s)
    AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum
"""
_KEYS = """
SELECT relname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_class JOIN pg_constraint ON conrelid = pg_class.oid
WHERE relnamespace = 'scrapline'::regnamespace AND relname = ANY(%s) AND contype IN ('p', 'u')
ORDER BY relname, contype
"""
Shape = dict[str, list[str]]
"""Table → its columns, in order, and its keys."""


def prepare(db: Connection[Any]) -> None:
    """Make or migrate the tables of the schema `scrapline`, several who do so one after another.

    Raises:
        StorageError: they are of a newer version, or somebody changed them.
        psycopg.Error: it may not be done, or the connection is lost.
    """
    with db.transaction():
        if (_version(db) or 0) < len(_FILES):
            db.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        version = _version(db) or 0
        if version > len(_FILES):
            raise StorageError(
                f"the schema scrapline has version {version}, and this program knows "
                f"{len(_FILES)}: use the one that made it, or a newer one"
            )
        if version:
            _compare(db, version)
        for number in range(version + 1, len(_FILES) + 1):
            _migrate(db, number)


def _version(db: Connection[Any]) -> int | None:
    """None where nothing was made yet."""
    (found,) = _row(db, "SELECT to_regclass('scrapline.versions') IS NOT NULL")
    if not found:
        return None
    (version,) = _row(db, "SELECT max(version) FROM scrapline.versions")
    return None if version is None else int(version)


def _migrate(db: Connection[Any], version: int) -> None:
    if version == 1:
        (is_there,) = _row(db, "SELECT to_regnamespace('scrapline') IS NOT NULL")
        if not is_there:  # else whoever made it for us may have kept the right to make another
            db.execute("CREATE SCHEMA scrapline")
        db.execute(_VERSIONS)
    db.execute(Path(__file__).with_name(_FILES[version - 1]).read_bytes())
    db.execute(
        "INSERT INTO scrapline.versions (version, shape) VALUES (%s, %s::jsonb)",
        [version, json.dumps(_shape(db))],
    )


def _compare(db: Connection[Any], version: int) -> None:
    """Raises StorageError, naming the table, if one is not as it was made."""
    query = "SELECT shape FROM scrapline.versions WHERE version = %s"
    made: Shape = _row(db, query, version)[0]
    found = _shape(db)
    for table in TABLES:
        was, now = made.get(table, []), found.get(table, [])
        if was != now:
            gone, new = [p for p in was if p not in now], [p for p in now if p not in was]
            what = [*(f"without {part}" for part in gone), *(f"with {part}" for part in new)]
            raise StorageError(
                f"the table scrapline.{table} was changed by somebody: "
                f"{', '.join(what) or 'its columns are in another order'}"
            )


def _shape(db: Connection[Any]) -> Shape:
    shape: Shape = {}
    for query in (_COLUMNS, _KEYS):
        for table, part in db.execute(query, [list(TABLES)]):
            shape.setdefault(table, []).append(part)
    return shape


def _row(db: Connection[Any], query: str, *values: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = db.execute(query.encode(), values).fetchone()
    assert row is not None  # each query has one
    return row
