"""Rows, events and labels in a real database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from benchmarks.plant.servers import rows_of
from line.errors import StorageError
from line.outcome import Outcome, Verdict
from line.run_files.review_file import ReviewFile
from line.run_files.said_labels import said_labels
from reports.cross_table import cross_table
from reports.figures import class_figures
from reports.results import read_results
from sinks.follower import LineEvent
from sinks.plant import schema
from sinks.plant.fill import fill
from sinks.plant.postgres import ITEM_COLUMNS, Postgres
from sinks.plant.run_record import read_run
from tests.made_run import CLASSES, make_run
from tests.sinks.test_csv_log import outcome

HOUR_S = 3600.0
ROWS = [
    outcome(0),
    outcome(1, predicted_class="metal", verdict=Verdict.MISSORTED, scheduled_s=HOUR_S + 1),
    outcome(2, true_class="metal", predicted_class="metal", mass_g=16.0, scheduled_s=HOUR_S + 2),
    outcome(3, true_class="paper", predicted_class="paper", verdict=Verdict.RESIDUE_OK),
    outcome(4, verdict=Verdict.LATE, slack_ms=-3.5),
    Outcome(
        camera=1,
        seq=2**40,
        scheduled_s=0.1,
        true_class=None,
        verdict=Verdict.DROPPED,
        reason="overrun: a, \"c\" 'd' \\N \u00e4 \u20ac",
        mass_g=1e-9,
    ),
    outcome(
        7,
        true_class="=1+1",
        predicted_class="=1+1",
        confidence=1 / 3,
        picture_crc32=None,
        low_confidence=True,
    ),
]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return make_run(tmp_path / "press 1", rows=ROWS)


def opened(run_dir: Path, dsn: str) -> closing[Postgres]:
    return closing(Postgres(dsn, lambda: read_run(run_dir)))


@pytest.fixture
def database(run_dir: Path, dsn: str) -> Iterator[Postgres]:
    with opened(run_dir, dsn) as database:
        yield database


def items(dsn: str) -> list[Outcome]:
    found = rows_of(dsn, f"SELECT {', '.join(ITEM_COLUMNS)} FROM scrapline.items ORDER BY 1, 2")
    return [Outcome(**dict(zip(ITEM_COLUMNS, row, strict=True))) for row in found]


def count(dsn: str, table: str) -> int:
    return int(rows_of(dsn, f"SELECT count(*) FROM scrapline.{table}")[0][0])


# -- what stands there ----------------------------------------------------------------------------


def test_every_value_of_every_row_is_there_once_however_often_it_is_put(
    database: Postgres, dsn: str
) -> None:
    database.put_rows(ROWS[:4])
    database.put_rows(ROWS[2:])
    database.put_rows([replace(ROWS[0], verdict=Verdict.LATE)])
    odd = outcome(8, reason='a\tb\\.\n,"')
    database.put_rows([odd])
    assert items(dsn) == sorted([*ROWS, odd], key=lambda row: (row.camera, row.seq))


def test_events_are_there_once_and_those_that_are_none_are_left_out(
    database: Postgres, dsn: str
) -> None:
    events = [
        LineEvent("a", "restart", "of it", "2026-01-02T03:04:05+00:00", "worker-0"),
        LineEvent("b", "x", "y", "2026-01-02T03:04:05+00:00", "", "alarm", "0-7", "high", "a"),
        LineEvent("c", "x", "y", "yesterday"),
        LineEvent("d" * 9000, "x" * 9000, "y" * 9000, "2026-01-02T03:04:05+00:00"),
    ]
    for _ in range(2):
        database.put_events(events)
    query = "SELECT id, source, level, frame_id, priority, clears FROM scrapline.alerts ORDER BY id"
    assert [row for row in rows_of(dsn, query) if row[0] in "abc"] == [
        ("a", "worker-0", "event", "", "", ""),
        ("b", "", "alarm", "0-7", "high", "a"),
    ]
    assert count(dsn, "alerts") == 3


def test_the_last_label_that_stands_counts(database: Postgres, dsn: str, run_dir: Path) -> None:
    def last() -> dict[tuple[int, int], str]:
        database.put_labels(said_labels(run_dir / "review"))
        found = rows_of(dsn, "SELECT camera, seq, label FROM scrapline.item_labels")
        return {(camera, seq): label for camera, seq, label in found}

    with ReviewFile(run_dir / "review") as queue:
        queue.label("0-7", "glass", "anna")
        number = queue.label("0-7", "paper", "ben")
        queue.label("no item", "paper", "ben")
        assert last() == {(0, 7): "paper"}
        queue.withdraw(number, "ben")
        assert last() == last() == {(0, 7): "glass"}
    assert count(dsn, "labels") == 2


def test_a_run_is_there_once_with_how_it_ended(database: Postgres, dsn: str, run_dir: Path) -> None:
    database.put_rows(ROWS)
    query = "SELECT name, ended, fed, seed, classes, settings ->> 'title' FROM scrapline.runs"
    assert rows_of(dsn, query) == [("press 1", None, None, 7, list(CLASSES), "unnamed")]
    before = run_dir.with_name("copy")
    shutil.copytree(run_dir, before)
    (run_dir / "run.json").write_text(json.dumps({"ended": "drained", "fed": 9, "wall_s": 3.5}))
    for folder in (run_dir, before, run_dir):  # the copy is the same run, not as far as this one
        with opened(folder, dsn) as again:
            assert fill(folder, again) == len(ROWS)
    query = "SELECT name, ended, fed, wall_s FROM scrapline.runs"
    assert rows_of(dsn, query) == [("press 1", "drained", 9, 3.5)]
    assert count(dsn, "items") == len(ROWS)


def test_two_runs_of_one_name_are_two(dsn: str, tmp_path: Path) -> None:
    for place in ("a", "b"):
        folder = make_run(tmp_path / place / "run", rows=ROWS)
        with opened(folder, dsn) as database:
            fill(folder, database)
    assert count(dsn, "runs") == 2
    assert count(dsn, "items") == 2 * len(ROWS)


def test_the_views_say_what_the_report_says(database: Postgres, dsn: str, run_dir: Path) -> None:
    fill(run_dir, database)
    rows = read_results(run_dir / "results.csv").items
    for hour in (0, 1):
        of_hour = rows[rows["scheduled_s"] // HOUR_S == hour]
        wanted = class_figures(cross_table(of_hour), {"glass", "metal", "paper", "=1+1"}, "paper")
        for view, name, first, second in (
            ("purity", "bin", "ejected", "purity"),
            ("recovery", "class", "fed", "recovery"),
        ):
            query = (
                f"SELECT {name}, {first}, {second}, {second}_by_mass FROM scrapline.{view}"
                f" WHERE hour = {hour}"
            )
            found = {row[0]: row[1:] for row in rows_of(dsn, query)}
            for each, figures in wanted.items():
                facts = (getattr(figures, n) for n in (first, second, f"{second}_by_mass"))
                assert found.get(each, (0, None, None)) == pytest.approx(tuple(facts)), (view, each)
    query = "SELECT verdict, sum(items) FROM scrapline.losses GROUP BY 1 ORDER BY 1"
    assert rows_of(dsn, query) == [("dropped", 1), ("late", 1), ("missorted", 1)]


# -- the tables -----------------------------------------------------------------------------------


def test_the_table_of_items_has_a_column_for_each_of_a_row(database: Postgres, dsn: str) -> None:
    database.put_rows([])
    query = (
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'scrapline' AND table_name = 'items' ORDER BY ordinal_position"
    )
    assert [name for (name,) in rows_of(dsn, query)] == ["run", *ITEM_COLUMNS]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE scrapline.items DROP COLUMN reason CASCADE", "without reason text not null"),
        ("ALTER TABLE scrapline.items ADD COLUMN mine int", "items was changed .* with mine int"),
        ("ALTER TABLE scrapline.items ALTER camera TYPE int", "without camera bigint .* with"),
        ("ALTER TABLE scrapline.items DROP CONSTRAINT items_pkey", "without PRIMARY KEY"),
        ("DROP TABLE scrapline.labels CASCADE", "scrapline.labels was changed"),
        ("INSERT INTO scrapline.versions VALUES (9, '{}')", "has version 9, and this program"),
    ],
)
def test_tables_that_somebody_changed_are_refused(
    database: Postgres, dsn: str, run_dir: Path, change: str, said: str
) -> None:
    database.put_rows(ROWS)
    with psycopg.connect(dsn) as db:
        for view in ("purity", "recovery", "losses", "item_labels"):
            db.execute(f"DROP VIEW scrapline.{view}".encode())
        db.execute(change.encode())
    with opened(run_dir, dsn) as again, pytest.raises(StorageError, match=said) as error:
        again.put_rows(ROWS)
    assert "\n" not in str(error.value)


def test_tables_of_the_first_version_are_brought_to_this_one(
    dsn: str, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier, psycopg.connect(dsn) as db:
        earlier.setattr(schema, "_FILES", schema._FILES[:1])
        schema.prepare(db)
    with opened(run_dir, dsn) as database:
        database.put_rows(ROWS)
    assert items(dsn) == sorted(ROWS, key=lambda row: (row.camera, row.seq))
    assert rows_of(dsn, "SELECT max(version) FROM scrapline.versions") == [(2,)]


def test_what_others_add_beside_the_tables_is_theirs(
    database: Postgres, dsn: str, run_dir: Path
) -> None:
    database.put_rows(ROWS[:1])
    with psycopg.connect(dsn) as db:
        db.execute("CREATE TABLE scrapline.theirs (x int)")
        db.execute("CREATE INDEX ON scrapline.items (verdict)")
    with opened(run_dir, dsn) as again:
        again.put_rows(ROWS)
    assert count(dsn, "items") == len(ROWS)


def test_a_user_who_may_make_no_schema_uses_one_that_was_made_for_him(
    dsn: str, run_dir: Path
) -> None:
    name = f"u_{uuid4().hex[:8]}"
    with psycopg.connect(dsn) as db:
        db.execute(f"CREATE ROLE {name} LOGIN".encode())
    own = f"{dsn} user={name}"
    with opened(run_dir, own) as database:
        with pytest.raises(StorageError, match="permission denied for database"):
            database.put_rows(ROWS)
        with psycopg.connect(dsn) as db:
            db.execute(f"CREATE SCHEMA scrapline AUTHORIZATION {name}".encode())
        database.put_rows(ROWS)
    assert count(dsn, "items") == len(ROWS)
