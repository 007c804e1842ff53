"""A database that is killed and frozen while rows are written: all are there once at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plant.servers import PostgresServer, rows_of
from line.outcome import Outcome
from line.process.context import ProcessContext
from sinks.alert_file import FILE as ALERTS
from sinks.csv_log import CsvLog
from sinks.follower import Passed
from sinks.following import Following
from sinks.plant.plant_follower import PlantFollower
from sinks.plant.postgres import Postgres
from sinks.plant.run_record import read_run
from tests.made_run import make_run
from tests.sinks.test_csv_log import outcome
from tests.workers.test_worker import Station, station


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", rows=[outcome(0)])


@pytest.fixture
def log(run_dir: Path) -> Iterator[CsvLog]:
    with closing(CsvLog(run_dir / "results.csv")) as log:
        yield log


def following(run_dir: Path, dsn: str) -> AbstractContextManager[Station]:
    def main(context: ProcessContext) -> None:
        outlet = Postgres(dsn, lambda: read_run(run_dir))
        follower = PlantFollower(run_dir, outlet, wait_s=context.beat_s)
        with closing(Following(context, follower, Passed(), ALERTS)) as process:
            process.run()

    return station("sink", "postgres", main, run_dir)


def more(begin: int, count: int) -> list[Outcome]:
    return [outcome(seq) for seq in range(begin, begin + count)]


def keys(dsn: str) -> list[int]:
    return [seq for (seq,) in rows_of(dsn, "SELECT seq FROM scrapline.items ORDER BY seq")]


def test_a_database_that_is_killed_again_and_again_has_every_row_once(
    server: PostgresServer, dsn: str, run_dir: Path, log: CsvLog
) -> None:
    with following(run_dir, dsn):
        for begin in range(1, 4000, 1000):
            log.store(more(begin, 500))
            server.kill()
            log.store(more(begin + 500, 500))
            server.start()
    assert keys(dsn) == list(range(4001))


def test_one_that_is_frozen_is_told_of_while_the_process_shows_that_it_lives(
    server: PostgresServer, dsn: str, run_dir: Path, log: CsvLog
) -> None:
    heard: list[dict[str, Any]] = []

    def told(kind: str, event: str | None = None) -> list[dict[str, Any]]:
        heard.extend(process.supervisor.receive())
        return [n for n in heard if n["kind"] == kind and n.get("event") == event]

    with following(run_dir, dsn) as process:
        process.until(lambda: any(note["behind_rows"] == 0 for note in told("follower")))
        server.stop_all(signal.SIGSTOP)
        try:
            log.store(more(1, 700))
            process.until(lambda: told("incident", "storage"))
            beats = len(told("beat"))
            process.until(lambda: len(told("beat")) > beats + 1)
        finally:
            server.stop_all(signal.SIGCONT)
        process.until(lambda: told("incident", "storage_again"))
        log.store(more(701, 10))
    assert keys(dsn) == list(range(711))
    assert "no answer for" in told("incident", "storage")[0]["text"]


def test_one_that_goes_on_from_its_checkpoint_puts_what_came_meanwhile(
    dsn: str, run_dir: Path, log: CsvLog
) -> None:
    for begin in (1, 11, 21):
        log.store(more(begin, 10))
        with following(run_dir, dsn):
            pass
    assert keys(dsn) == list(range(31))
