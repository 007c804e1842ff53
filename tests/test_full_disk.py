"""No room on the disk: a sink waits, acknowledges nothing, and goes on when there is room again."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from line.errors import DiskFull
from line.outcome import Verdict
from sinks.alerts import Alerts
from sinks.append_file import AppendFile
from sinks.csv_log import CsvLog
from sinks.review_queue import ReviewQueue
from sinks.room import refused
from tests.running_line import RunningLine, assert_accounted, poll
from tests.test_alerts import LIMITS
from tests.test_csv_log import delivery, outcome


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may be longer than `size` bytes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_lines_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with closing(AppendFile(tmp_path / "file", sync=False)) as file:
        file.append(b"first\n")
        with largest_file(10), pytest.raises(DiskFull, match=r"file: File too large"):
            file.append(b"second\n")
        assert (tmp_path / "file").read_bytes() == b"first\n"
        file.append(b"second\n")
    assert (tmp_path / "file").read_bytes() == b"first\nsecond\n"


def test_a_row_that_had_no_room_is_stored_the_next_time(tmp_path: Path) -> None:
    with closing(CsvLog(tmp_path / "results.csv")) as log:
        batch = [delivery(outcome(seq)) for seq in range(3)]
        size = (tmp_path / "results.csv").stat().st_size
        with largest_file(size + 20), pytest.raises(DiskFull):
            log.store(batch)
        receipt = log.store(batch)
    assert (receipt.stored, receipt.truth) == ([(0, 0), (0, 1), (0, 2)], [])
    assert (tmp_path / "results.csv").read_text().count("\n") == 1 + 3


def test_an_alert_that_had_no_room_is_not_forgotten(tmp_path: Path) -> None:
    unsure = delivery(outcome(1, low_confidence=True, verdict=Verdict.LOW_CONFIDENCE))
    with closing(Alerts(tmp_path / "alerts.jsonl", LIMITS)) as alerts:
        with largest_file(5), pytest.raises(DiskFull):
            alerts.store([unsure])
        alerts.store([unsure])
    assert (tmp_path / "alerts.jsonl").read_text().count("low_confidence-0-1") == 1


def test_a_picture_that_had_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    with ReviewQueue(tmp_path) as queue:
        with largest_file(5), pytest.raises(DiskFull, match=r"0-1\.png"):
            queue.write_image("images/0-1.png", bytes(100))
        assert not (tmp_path / "images" / "0-1.png").exists()


def test_other_trouble_stays_what_it_is() -> None:
    for error in (PermissionError(13, "no"), sqlite3.IntegrityError("no")):
        if isinstance(error, sqlite3.Error):
            error.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT
        assert refused(Path("file"), error) is error


def limit_files(pid: int, size: int | None) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def test_a_line_waits_for_room_and_says_so(tmp_path: Path, tiny_model: Path) -> None:
    with RunningLine(
        tmp_path / "run", "--items", 120, "--interval", 0.05, "--model", tiny_model
    ) as line:
        line.wait_for_rows(10)
        pid = line.pid("csv_log")
        assert pid is not None
        limit_files(pid, (line.run_dir / "results.csv").stat().st_size + 20)
        alerts = line.run_dir / "alerts.jsonl"
        poll(lambda: "csv_log waits" in alerts.read_text(), "an alert")
        stands = line.rows_written()
        time.sleep(0.5)
        assert line.rows_written() == stands
        limit_files(pid, None)
        status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())
    assert summary["restarts"]["sink"] == 0


def test_a_line_gives_up_when_it_is_over_with_patience(tmp_path: Path, tiny_model: Path) -> None:
    options = ("--interval", 0.05, "--model", tiny_model, "--set", "sink.patience_s=0.2")
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        pid = line.pid("csv_log")
        assert pid is not None
        limit_files(pid, (line.run_dir / "results.csv").stat().st_size + 20)
        said, errors = line.communicate()
    assert line.returncode == 4
    assert "csv_log was given up: " in errors
    assert "results.csv: File too large" in errors
    assert said.startswith("{")
