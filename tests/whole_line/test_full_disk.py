"""No room on the disk: a sink waits, acknowledges nothing, and goes on when there is room again."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from line.errors import DiskFull, StorageError
from line.outcome import Verdict
from sinks.append_file import AppendFile
from sinks.csv_log import CHECKPOINT, CsvLog
from sinks.review_queue import ReviewQueue
from sinks.room import refused
from tests.running_line import RunningLine, assert_accounted, poll
from tests.sinks.test_alerts import opened
from tests.sinks.test_csv_log import outcome, stored
from tests.sinks.test_review_queue import queued


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
        batch = [outcome(seq) for seq in range(3)]
        size = (tmp_path / "results.csv").stat().st_size
        with largest_file(size + 20), pytest.raises(DiskFull):
            log.store(batch)
        log.store(batch)
    assert (tmp_path / "results.csv").read_text().count("\n") == 1 + 3


def test_an_alert_that_had_no_room_is_not_forgotten_and_its_row_counts_once(
    tmp_path: Path,
) -> None:
    rows = [outcome(seq, verdict=Verdict.DROPPED) for seq in range(4)]
    rows += [outcome(4, low_confidence=True, verdict=Verdict.LOW_CONFIDENCE)]
    with closing(opened(tmp_path / "alerts.jsonl")) as alerts:
        alerts.take(rows[:2])
        with largest_file(5), pytest.raises(DiskFull):
            alerts.take(rows[2:])
        alerts.take_events([])
        assert alerts.take(rows[2:]) == 3
        assert alerts.state()["window"] == "ddddu"
    assert (tmp_path / "alerts.jsonl").read_text().count("low_confidence-0-4") == 1


def test_a_picture_that_had_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    with ReviewQueue(tmp_path) as queue:
        with largest_file(5), pytest.raises(DiskFull, match=r"0-1\.png"):
            queue.write_image("images/0-1.png", bytes(100))
        assert not (tmp_path / "images" / "0-1.png").exists()


def test_other_trouble_is_told_from_a_full_disk() -> None:
    for error in (PermissionError(13, "no"), sqlite3.IntegrityError("no")):
        what = refused(Path("file"), error)
        assert type(what) is StorageError
        assert str(what) == "file: no"


def test_a_queue_without_room_is_told_from_one_that_is_locked_or_cannot_be_written(
    tmp_path: Path,
) -> None:
    items = [queued(seq, top3="x" * 10_000) for seq in range(40)]
    with ReviewQueue(tmp_path, busy_s=0.05) as queue:
        with largest_file(50_000), pytest.raises(DiskFull, match=r"queue\.sqlite: "):
            queue.add(items)
        with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match=r"queue\.sqlite: database is locked") as told:
                queue.add(items)
            assert not isinstance(told.value, DiskFull)
        queue._db.execute("PRAGMA query_only = 1")
        with pytest.raises(StorageError, match=r"queue\.sqlite: .* readonly") as told:
            queue.add(items)
        assert not isinstance(told.value, DiskFull)
        queue._db.execute("PRAGMA query_only = 0")
        queue.add(items)
        assert len(queue.items()) == 40
    assert not list(tmp_path.glob(".*probe"))


# -- a disk that fails to take what it was given ---------------------------------------------------


@pytest.fixture
def failing_sync(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Error numbers that the next syncs fail with; the kernel then calls lost pages written."""
    errors: list[int] = []
    real = os.fdatasync

    def sync(fd: int) -> None:
        if errors:
            raise OSError(errors.pop(0), "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    return errors


def test_rows_of_a_failed_sync_are_not_known_and_are_written_again(
    tmp_path: Path, failing_sync: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    real = os.write

    def write(fd: int, data: bytes) -> int:
        written.append(bytes(data))
        return real(fd, data)

    path = tmp_path / "results.csv"
    with closing(CsvLog(path, sync=True)) as log:
        log.store([outcome(0)])
        monkeypatch.setattr(os, "write", write)
        failing_sync[:] = [errno.EIO, errno.EIO]
        for _ in range(2):
            with pytest.raises(StorageError, match=r"results\.csv: Input/output error"):
                log.store([outcome(1)])
            assert stored(path) == [outcome(0)]
        log.store([outcome(1)])
        assert stored(path) == [outcome(0), outcome(1)]
    rows = [data for data in written if data.startswith(b"0-1,")]
    assert len(rows) == 3, "each time anew: a sync that works then speaks of pages written since"


def test_rows_behind_the_checkpoint_are_written_again_before_they_count_as_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was killed between a failed sync and its next step left pages called written."""
    path = tmp_path / "results.csv"
    with closing(CsvLog(path, sync=True)) as log:
        log.store([outcome(0)])
    size = path.stat().st_size
    checkpoint = (tmp_path / CHECKPOINT).read_bytes()
    with closing(CsvLog(path, sync=True)) as log:
        log.store([outcome(1)])
    (tmp_path / CHECKPOINT).write_bytes(checkpoint)
    whole = path.read_bytes()
    again: list[tuple[int, bytes]] = []
    real = os.pwrite

    def pwrite(fd: int, data: bytes, place: int) -> int:
        again.append((place, bytes(data)))
        return real(fd, data, place)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with closing(CsvLog(path, sync=True)):
        assert again == [(size, whole[size:])]
    assert path.read_bytes() == whole


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
    belt = ("--duration", 36000, "--interval", 0.05)
    options = (*belt, "--model", tiny_model, "--set", "sink.patience_s=0.2")
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
