"""The benchmarks of the line's cost: small real runs, and their tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import dispatcher, paced, throughput
from benchmarks.speed import measured_line, raw_loops
from benchmarks.speed.measured_line import MeasuredLine
from benchmarks.speed.raw_loops import RawSpeed
from line.errors import StageDied

ITEMS = 1000


@pytest.fixture(scope="module")
def small_line(tmp_path_factory: pytest.TempPathFactory) -> MeasuredLine:
    """A worker of it is killed under way."""
    folder = tmp_path_factory.mktemp("instant")
    options = dispatcher.prepared(folder, dispatcher.Picture.SMALL, workers=2)
    return measured_line.measure(ITEMS, options, kill_after=5)


def test_every_item_of_a_measured_line_is_counted(small_line: MeasuredLine) -> None:
    assert (small_line.lost, small_line.duplicates) == (0, 0)
    assert small_line.summary["items"]["fed"] == ITEMS
    assert small_line.fps > 0


def test_the_time_of_each_process_is_there(small_line: MeasuredLine) -> None:
    names = {"runner", "dispatcher", "camera-0", "worker-0", "csv_log"}
    assert names <= small_line.processor_ms.keys()
    assert small_line.processor_ms_an_item == pytest.approx(sum(small_line.processor_ms.values()))


def test_a_line_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageDied, match=r"ended at row 0 of 1: .*nowhere"):
        measured_line.measure(ITEMS, [f"--source={tmp_path / 'nowhere'}"])


def test_bare_loops_share_the_pictures(tiny_model: Path, tmp_path: Path) -> None:
    files = throughput.write_frames(tmp_path, 5)
    speed = raw_loops.measure(tiny_model, files, loops=2)
    assert speed.fps > 0
    assert speed.processor_ms > 0


def test_a_loop_that_dies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageDied, match="ended before its time"):
        raw_loops.measure(tmp_path / "none.onnx", [tmp_path / "a.jpg"], loops=1)


def a_line(fps: float, **spent: float) -> MeasuredLine:
    return MeasuredLine({"throughput_fps": fps}, 0, 0, fps, spent)


def test_throughput_in_tables() -> None:
    rounds = [
        throughput.Round(RawSpeed(100, 6.0), a_line(fps, worker=6.5, camera=1.0), a_line(80))
        for fps in (90.0, 95.0, 97.0)
    ]
    found = throughput.Throughput(2, rounds)
    speed, bill = throughput.tables(found)
    assert speed.title == "2 workers at --speed max against 2 bare loops"
    assert speed.total is not None
    assert [speed.total[3], speed.total[6], speed.total[8]] == ["0.950", "1.25", "0.800"]
    assert bill.rows == [["worker", "6.50"], ["camera", "1.00"]]
    assert bill.total == ["all", "7.50"]
    assert found.facts()["processor_ratio"] == 1.25


def test_the_dispatchers_table() -> None:
    lines = [a_line(900, dispatcher=ms, **{"worker-0": 0.5, "worker-1": 0.25}) for ms in (0.4, 0.3)]
    costs = [dispatcher.DispatcherCost(line) for line in lines]
    table = dispatcher.table(costs, dispatcher.Picture.SMALL, 3000)
    assert table.headings == ("round", "dispatcher", "items/s", "worker")
    assert table.rows[0] == ["1", "0.400", "900", "0.750"]
    assert table.total == ["median", "0.350", "", ""]


def test_the_table_of_a_paced_belt() -> None:
    pairs = [paced.Pair(0.98, 0.99), paced.Pair(0.97, 0.96)]
    table = paced.table(pairs, "a belt")
    assert table.rows[0] == ["1", "0.9800", "0.9900", "+0.0100"]
    assert table.total == ["least", "0.9700", "0.9600", "-0.0100"]


def test_a_paced_belt_runs(tiny_model: Path, tmp_path: Path) -> None:
    throughput.write_frames(tmp_path, 5)
    options = paced._options(tiny_model, tmp_path, rate=20, seconds=1, assignments=())
    assert 0 <= paced._in_time(options, 1) <= 1
