"""A line whose engine sleeps, so that it gains by batches; and the tables of that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.speed.batches import (
    BY_SLACK,
    HALVES,
    SINGLY,
    Pace,
    pace_table,
    prepared,
    sleeping,
    speed_table,
)
from tests.ports import free_port
from tests.remote_workers import RemoteWorker, new_keys, remote_options
from tests.running_line import RunningLine, assert_accounted

ITEMS = 300


def test_a_line_with_batches_by_slack_loses_nothing_though_its_worker_dies(tmp_path: Path) -> None:
    options = [*prepared(tmp_path), "--speed=max", f"--items={ITEMS}"]
    with sleeping(20, 0.5), RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(40)
        assert line.kill("worker-0")
        status, summary = line.finish()

    assert status == 0
    rows = line.rows()
    assert_accounted(summary, rows)
    assert set(rows["verdict"]) <= {"sorted", "low_confidence"}, "nothing has a deadline"
    assert set(rows["worker"]) == {"worker-0#1", "worker-0#2"}
    batches = Counter(zip(rows["worker"], rows["inference_ms"], strict=True))
    assert max(batches.values()) > 4


def test_a_worker_on_another_machine_is_given_batches_as_well(tmp_path: Path) -> None:
    keys, address = new_keys(tmp_path / "keys", "press"), f"tcp://127.0.0.1:{free_port()}"
    options = [*prepared(tmp_path), "--speed=max", f"--items={ITEMS}", "--workers=0"]
    options += [*remote_options(address, keys), "--set=supervisor.hang_s=60"]
    model = f"--model={tmp_path / 'instant.onnx'}"
    worker = ("--connect", address, "--keys", keys / "for-press", model)
    with (
        sleeping(20, 0.5),
        RunningLine(tmp_path / "run", *options, "--set=worker.lease_s=60") as line,
        RemoteWorker(tmp_path / "press.log", *worker),
    ):
        status, summary = line.finish()

    assert status == 0
    rows = line.rows()
    assert_accounted(summary, rows)
    assert max(Counter(rows["inference_ms"]).values()) > 4


def test_gains_in_a_table() -> None:
    rounds = [
        {SINGLY: 100.0, HALVES: 300.0, BY_SLACK: 500.0},
        {SINGLY: 100.0, HALVES: 290.0, BY_SLACK: 450.0},
        {SINGLY: 90.0, HALVES: 300.0, BY_SLACK: 540.0},
    ]
    table = speed_table(rounds, "any")
    assert table.rows[1] == ["2", "100", "290", "450", "4.50"]
    assert table.total == ["median", "", "", "", "5.00"]


def test_who_is_in_time_in_a_table() -> None:
    pace = Pace(
        items_per_s=200.0,
        singly={0: True, 1: False, 2: True, 3: False},
        by_slack={0: True, 1: True, 2: False, 3: True},
        expired=1,
    )
    assert pace_table([pace], "any").rows == [["200", "4", "0.5000", "0.7500", "1", "1"]]
