"""A line whose rows go to the plant as well; its database is killed, or never was there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.plant.servers import PostgresServer, rows_of
from tests.running_line import RunningLine, assert_accounted, command, poll

_PLANT = ("--set", "postgres.enabled=true", "--set")
_ROOM = ("--set", "camera.window_frames=1024", "--workers", 1)
"""A busy machine alone is no reason to drop an item."""


def keys(dsn: str) -> list[tuple[int, int]]:
    return rows_of(dsn, "SELECT camera, seq FROM scrapline.items ORDER BY 1, 2")


def keys_if_any(dsn: str) -> list[tuple[int, int]]:
    """Before the sink has made its tables there are none."""
    made = rows_of(dsn, "SELECT to_regclass('scrapline.items') IS NOT NULL")
    return keys(dsn) if made == [(True,)] else []


def events(run_dir: Path) -> list[dict[str, str]]:
    path = run_dir / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def test_the_database_has_every_row_once_though_it_and_its_sink_are_killed(
    server: PostgresServer,
    dsn: str,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hidden-word")
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.02, *_ROOM)
    with RunningLine(tmp_path / "run", *options, *_PLANT, f"postgres.dsn={dsn}") as line:
        poll(lambda: keys_if_any(dsn), "rows in the database")
        server.kill()
        line.wait_for_rows(line.rows_written() + 40)
        poll(lambda: line.kill("postgres"), "a sink to kill")
        server.start()
        line.wait_for_rows(line.rows_written() + 20)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        rows = line.rows()
    assert_accounted(summary, rows)
    assert not (rows["verdict"] == "dropped").any()
    assert keys(dsn) == sorted(zip(rows["camera"], rows["seq"], strict=True))
    alerts = (tmp_path / "run" / "alerts.jsonl").read_text().splitlines()
    told = {json.loads(text)["id"] for text in alerts}
    assert {name for (name,) in rows_of(dsn, "SELECT id FROM scrapline.alerts")} == told
    assert any("postgres" in name for name in told)
    for path in (tmp_path / "run").rglob("*"):
        assert not path.is_file() or b"hidden-word" not in path.read_bytes(), path


def test_a_line_runs_without_its_database_and_is_filled_in_later(
    dsn: str, tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.02, *_ROOM)
    nowhere = "postgres.dsn=host=127.0.0.1 port=1 user=x dbname=x"
    run_dir = tmp_path / "run"
    with RunningLine(run_dir, *options, *_PLANT, nowhere, "--set", "supervisor.stop_s=3") as line:
        poll(lambda: "postgres waits: PostgreSQL: " in str(events(run_dir)), "word of it")
        line.wait_for_rows(line.rows_written() + 20)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        rows = line.rows()
    assert_accounted(summary, rows)
    assert any("rows behind csv_log" in event["text"] for event in events(run_dir))
    ended = command("sink", "postgres", run_dir, "--dsn", dsn)
    assert ended.returncode == 0, ended.stderr
    assert keys(dsn) == sorted(zip(rows["camera"], rows["seq"], strict=True))
    assert rows_of(dsn, "SELECT ended, fed FROM scrapline.runs") == [("drained", len(rows))]
