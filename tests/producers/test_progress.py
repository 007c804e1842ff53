"""What a lane's next camera, and the next runner, find of it."""

from __future__ import annotations

import errno
import math
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.config import load
from line.errors import BadInput
from line.run_files.lane_record import SECTOR_BYTES, LaneRecord
from producers.feed import FeedMark
from producers.progress import Progress, feed_checksum, resume_note


@contextmanager
def progress(folder: Path, session: str = "session-1") -> Iterator[Progress]:
    with closing(Progress(folder / "lane.progress", folder / f"{session}.stop")) as opened:
        yield opened


def record(folder: Path) -> LaneRecord:
    return LaneRecord.read(folder / "lane.progress")


def test_progress_begins_at_nothing(tmp_path: Path) -> None:
    assert record(tmp_path) == LaneRecord()
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
        current.update([0, 1])
        current.reach(5, 1.5, 1.25)
        assert record(tmp_path) == LaneRecord(low=2, fed=5, reached_s=1.5, resume_s=1.25)


def test_a_belt_that_is_run_again_from_its_start_takes_nothing_back(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        current.reach(50, 12.0, 11.5)
    with progress(tmp_path) as reopened:
        reopened.reach(1, 0.5, 0.5)
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
        current.reach(5, 1.5, 1.25)
    assert synced[-1] == LaneRecord(low=0, fed=5, reached_s=1.5, resume_s=1.25)
    synced.clear()
    with progress(tmp_path) as current:
        current.reach(6, 2.5, 2.25)
    assert synced == []


# -- the mark of the feed --------------------------------------------------------------------------


def test_a_mark_is_kept_at_or_before_the_last_settled_item(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        for seq in range(10_000):
            current.pass_mark(FeedMark(seq, seq / 8))
            if seq >= 500:
                current.update([seq - 500])
                assert current.mark.seq < max(1, current.low)
        low = current.low
    with progress(tmp_path) as reopened:
        assert low - 1024 <= reopened.mark.seq < low
        assert reopened.mark == FeedMark(reopened.mark.seq, reopened.mark.seq / 8)


def test_marks_take_bounded_room_however_long_nothing_is_settled(tmp_path: Path) -> None:
    with progress(tmp_path) as current:
        for seq in range(0, 10_000_000, 512):
            current.pass_mark(FeedMark(seq, seq / 8))
        assert len(current._marks) <= 64
        current.update(range(4_000_000))
        current.reach(0, 0.0, 0.0)
        assert 2_000_000 < current.mark.seq < current.low


def test_a_mark_of_another_feed_is_worth_nothing(tmp_path: Path) -> None:
    path, stop_path = tmp_path / "lane.progress", tmp_path / "stop"
    for feed, found in ((7, 0), (7, 1024), (8, 0)):
        with closing(Progress(path, stop_path, feed=feed)) as current:
            assert current.mark.seq == found
            current.pass_mark(FeedMark(1024, 128.0))
            current.update(range(2000))
    fast = load(environment={}, options=[("infeed.items_per_min", 1000)])
    usual = load(environment={})
    checksums = {feed_checksum(usual, 0), feed_checksum(usual, 1), feed_checksum(fast, 0)}
    assert len(checksums) == 3


# -- files that cannot be --------------------------------------------------------------------------

_WHOLE = LaneRecord(low=3, fed=5, reached_s=2.0, resume_s=1.5, mark_seq=2, mark_feeder_s=0.25)


def stored(path: Path, newer: LaneRecord, older: LaneRecord = _WHOLE) -> Path:
    path.write_bytes(older.sector(0).ljust(SECTOR_BYTES, b"\0") + newer.sector(1))
    return path


def test_the_newer_of_two_records_counts(tmp_path: Path) -> None:
    newer = replace(_WHOLE, low=4)
    assert LaneRecord.read(stored(tmp_path / "a", newer)) == newer


@pytest.mark.parametrize("cut", [0, 1, 7, 40, 67, 70])
def test_a_write_that_was_cut_off_leaves_the_record_of_before(tmp_path: Path, cut: int) -> None:
    with progress(tmp_path) as current:
        current.reach(5, 2.0, 1.5)
        before = record(tmp_path)
        current.reach(6, 2.5, 1.5)
        after = replace(before, fed=7, reached_s=3.0).sector(current._count + 1)
        with (tmp_path / "lane.progress").open("r+b") as file:
            file.seek((current._count + 1) % 2 * SECTOR_BYTES)
            file.write(after[:cut])
    assert record(tmp_path).fed == 6
    with progress(tmp_path) as reopened:
        assert reopened.record.fed >= before.fed


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": -47},
        {"low": 6},
        {"fed": 1 << 40, "low": 1 << 40},
        {"reached_s": math.nan},
        {"reached_s": math.inf},
        {"reached_s": -1.0},
        {"resume_s": math.nan},
        {"resume_s": -0.5},
        {"resume_s": 3.0},
        {"mark_seq": 4},
        {"mark_seq": -1},
        {"mark_feeder_s": math.nan},
        {"mark_feeder_s": -math.inf},
    ],
    ids=str,
)
def test_a_record_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    path = stored(tmp_path / "lane.progress", replace(_WHOLE, **wrong))
    with pytest.raises(BadInput, match=f"^{path}: .* cannot be; .* remove it") as caught:
        LaneRecord.read(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="cannot be"):
        Progress(path, tmp_path / "stop")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 32,
        b"\xff" * 1024,
        bytes(1024),
        b"1000000",
        struct.pack("<qqdd", 5, 5, 1.0, 1.0),
        bytes(10**6),
    ],
    ids=["empty", "ff", "ff twice", "noughts", "text", "of an old version", "large"],
)
def test_a_file_without_a_record_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lane.progress"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=f"^{path}: .*remove it"):
        Progress(path, tmp_path / "stop")
    assert path.read_bytes() == content


@given(st.binary(max_size=1100))
def test_no_bytes_make_anything_but_a_record_or_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lane.progress"
        path.write_bytes(content)
        with suppress(BadInput):
            assert not LaneRecord.read(path).fault


def test_what_is_no_file_is_neither_waited_for_nor_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(stored(tmp_path / "whole", _WHOLE))
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "link", "folder"):
        with pytest.raises(BadInput, match=f"{name}: is "):
            LaneRecord.read(tmp_path / name)


@pytest.mark.parametrize("content", ["nan", "-1", "inf", "never", "", "1" * 200])
def test_a_stop_that_cannot_be_is_refused(tmp_path: Path, content: str) -> None:
    stop_path = tmp_path / "stop"
    stop_path.write_text(content)
    with pytest.raises(BadInput, match=f"^{stop_path}: "):
        Progress(tmp_path / "lane.progress", stop_path)


def test_no_room_for_a_record_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with progress(tmp_path) as current:
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", full)
            current.reach(5, 2.0, 1.5)
        assert record(tmp_path).fed == 0
        current.reach(6, 2.0, 1.5)
        assert record(tmp_path).fed == 6
