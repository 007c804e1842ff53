"""What a lane's next camera, and the next runner, find of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from producers.progress import LaneRecord, Progress, resume_note


@contextmanager
def progress(folder: Path, session: str = "session-1") -> Iterator[Progress]:
    with closing(Progress(folder / "lane.progress", folder / f"{session}.stop")) as opened:
        yield opened


def record(folder: Path) -> LaneRecord:
    return LaneRecord.read(folder / "lane.progress")


def test_progress_begins_at_nothing(tmp_path: Path) -> None:
    assert record(tmp_path) == LaneRecord(low=0, fed=0, reached_s=0.0, resume_s=0.0)
    with progress(tmp_path) as fresh:
        assert fresh.low == 0
        assert fresh.stop_s is None
        assert 0 not in fresh


def test_progress_is_how_far_items_are_acknowledged_without_a_gap(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.update([0, 1, 3])
        assert current.low == 2
        assert 3 in current
        assert 2 not in current

        current.update([2])

        assert current.low == 4


def test_what_lies_behind_a_gap_is_done_again_after_reopening(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.update([0, 2])

    with progress(tmp_path) as reopened:
        assert reopened.low == 1
        assert 0 in reopened
        assert 2 not in reopened


def test_what_is_written_needs_no_close_to_be_there(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.mark(5, 1.5, 1.25)
        current.update([0, 1])
        assert record(tmp_path) == LaneRecord(low=2, fed=5, reached_s=1.5, resume_s=1.25)


def test_a_belt_that_is_run_again_from_its_start_takes_nothing_back(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.mark(50, 12.0, 11.5)
    with progress(tmp_path) as reopened:
        reopened.mark(1, 0.5, 0.5)
        assert reopened.record == LaneRecord(low=0, fed=50, reached_s=12.0, resume_s=11.5)


@pytest.mark.parametrize("order", ["stop first", "items first"])
def test_the_moment_of_the_stop_survives_the_camera_beside_the_items(
    tmp_path: Path, order: str
) -> None:
    with progress(tmp_path) as current:
        if order == "stop first":
            current.stop(12.5)
            current.update([0, 1, 2])
        else:
            current.update([0, 1, 2])
            current.stop(12.5)

    with progress(tmp_path) as reopened:
        assert (reopened.stop_s, reopened.low) == (12.5, 3)


def test_a_stop_at_belt_second_nought_is_a_stop(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.stop(0.0)
    with progress(tmp_path) as reopened:
        assert reopened.stop_s == 0.0


def test_the_next_session_feeds_on(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.update([0, 1])
        current.stop(12.5)
    with progress(tmp_path, "session-2") as resumed:
        assert (resumed.stop_s, resumed.low) == (None, 2)


def test_the_progress_file_does_not_grow(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        before = (tmp_path / "lane.progress").stat().st_size
        for seq in range(500):
            current.update([seq])
    assert (tmp_path / "lane.progress").stat().st_size == before


def test_a_lane_that_is_done_need_not_be_run_again() -> None:
    open_lane = LaneRecord(low=3, fed=5, reached_s=2.0, resume_s=1.0)
    done = LaneRecord(low=5, fed=5, reached_s=2.5, resume_s=math.inf)
    assert resume_note(open_lane) == {"reached_s": 2.0, "resume_s": 1.0}
    assert resume_note(done) == {"reached_s": 2.5, "resume_s": None}


def test_a_durable_record_is_on_the_disk_when_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[LaneRecord] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(record(tmp_path)))
    path, stop_path = tmp_path / "lane.progress", tmp_path / "stop"
    with closing(Progress(path, stop_path, durable=True)) as current:
        current.mark(5, 1.5, 1.25)
    assert synced[-1] == LaneRecord(low=0, fed=5, reached_s=1.5, resume_s=1.25)
    synced.clear()
    with progress(tmp_path) as current:
        current.mark(6, 2.5, 2.25)
    assert synced == []
