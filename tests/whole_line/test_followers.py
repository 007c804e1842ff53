"""A line whose other sinks cannot write: it neither waits for them nor loses what is theirs."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.running_line import RunningLine, assert_accounted, poll
from tests.whole_line.test_full_disk import limit_files

_DOUBT = (
    *("--threshold", 1),
    "--active-learning",
    *("--set", "review.margin=1"),
    *("--set", "review.near_duplicate_bits=0"),
    *("--set", "review.per_minute_max=100000"),
    *("--set", "review.per_class_max=100000"),
)
_ROOM = ("--set", "camera.window_frames=1024")
"""A busy machine alone is no reason to drop an item."""
_PATIENT = ("--set", "supervisor.hang_s=600", "--set", "supervisor.start_s=600")
"""Who is frozen stays so until the test kills it."""


def told(run_dir: Path) -> str:
    """What was written down as having happened to the line."""
    events = run_dir / "events.jsonl"
    return events.read_text() if events.exists() else ""


def queued(run_dir: Path) -> set[str]:
    with closing(sqlite3.connect(run_dir / "review" / "queue.sqlite")) as queue:
        return {name for (name,) in queue.execute("SELECT frame_id FROM items")}


def test_a_locked_queue_and_a_full_disk_of_the_alerts_cost_the_line_nothing(
    tmp_path: Path, tiny_model: Path
) -> None:
    """Every item is doubtful: each is an alert's, and each picture is to be reviewed."""
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.05, "--workers", 1)
    with RunningLine(tmp_path / "run", *options, *_DOUBT, *_ROOM) as line:
        poll(lambda: (line.run_dir / "review" / "queue.sqlite").exists(), "a queue")
        line.wait_for_rows(10)
        pids = {name: line.pid(name) for name in ("alerts", "active_learning")}
        assert pids["alerts"] is not None
        with closing(sqlite3.connect(line.run_dir / "review" / "queue.sqlite")) as other:
            other.execute("PRAGMA busy_timeout = 60000")
            other.execute("BEGIN IMMEDIATE")
            limit_files(pids["alerts"], (line.run_dir / "alerts.jsonl").stat().st_size + 20)
            stand = (queued(line.run_dir), (line.run_dir / "alerts.jsonl").read_bytes())
            for name in ("active_learning", "alerts"):
                poll(lambda n=name: f"{n} waits: " in told(line.run_dir), f"word of {name}")
            line.wait_for_rows(line.rows_written() + 40)
            assert stand == (queued(line.run_dir), (line.run_dir / "alerts.jsonl").read_bytes())
        limit_files(pids["alerts"], None)
        line.wait_for_rows(line.rows_written() + 10)
        assert pids == {name: line.pid(name) for name in pids}, "nobody was killed"
        line.interrupt()
        status, summary = line.finish()
        rows = line.rows()
        assert status == 0
        assert_accounted(summary, rows)
        assert summary["restarts"]["sink"] == 0
        assert not (rows["verdict"] == "dropped").any()
        answered = rows[~rows["verdict"].isin(["dropped", "expired", "failed"])]
        assert queued(line.run_dir) == set(answered["frame_id"])
        assert not list((line.run_dir / "review" / "spool").glob("*/*.picture"))
        lines = (line.run_dir / "alerts.jsonl").read_text().splitlines()
        ids = [json.loads(text)["id"] for text in lines]
        assert len(ids) == len(set(ids))
        said = [json.loads(text)["text"] for text in told(line.run_dir).splitlines()]
        for name, what in (("active_learning", "database is locked"), ("alerts", "too large")):
            (waits,) = (text for text in said if text.startswith(f"{name} waits: "))
            assert what in waits.lower()
            assert any(text.startswith(f"{name} goes on after ") for text in said)


@pytest.mark.parametrize("how", ["deleted", "cut"])
def test_results_that_go_away_under_the_line_are_put_back_or_end_it_at_once(
    tmp_path: Path, tiny_model: Path, how: str
) -> None:
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.05)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(10)
        results = line.run_dir / "results.csv"
        if how == "deleted":
            results.unlink()
            poll(results.exists, "results.csv")
            poll(lambda: "results.csv was deleted" in told(line.run_dir), "word of it")
            line.wait_for_rows(line.rows_written() + 10)
            line.interrupt()
            status, summary = line.finish()
            assert status == 0
            assert_accounted(summary, line.rows())
        else:
            with results.open("r+b") as file:
                file.truncate(500)
            _, errors = line.communicate()
            assert line.returncode == 4
            assert "results.csv: another program has changed it: " in errors


@pytest.mark.parametrize("how", ["deleted", "cut"])
def test_rows_that_go_away_while_the_log_is_dead_end_the_line(
    tmp_path: Path, tiny_model: Path, how: str
) -> None:
    """The log that comes next knows nothing of them; the runner does."""
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.05, *_PATIENT)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(10)
        line.kill("csv_log", signal.SIGSTOP)
        results = line.run_dir / "results.csv"
        if how == "deleted":
            results.unlink()
        else:
            with results.open("r+b") as file:
                file.truncate(500)
        line.kill("csv_log")
        _, errors = line.communicate()
        assert line.returncode == 4
        assert re.search(r"results\.csv: \d+ rows that stood there are gone", errors)


def test_sinks_that_are_killed_after_the_belts_end_read_the_rest(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--items", 15, "--speed", "max", "--workers", 1, *_PATIENT)
    with RunningLine(tmp_path / "run", *options, *_DOUBT, *_ROOM) as line:
        for name in ("alerts", "active_learning"):
            poll(lambda n=name: line.kill(n, signal.SIGSTOP) is not None, f"{name} is there")
        line.wait_for_rows(15)
        poll(lambda: line.pid("csv_log") is None, "the log has ended")
        for name in ("alerts", "active_learning"):
            assert line.kill(name) is not None
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert summary["restarts"]["sink"] == 2
    assert queued(line.run_dir) == set(rows["frame_id"])
    alerts = map(json.loads, (line.run_dir / "alerts.jsonl").read_text().splitlines())
    assert {each["frame_id"] for each in alerts if each.get("frame_id")} == set(rows["frame_id"])
