"""Pictures between a camera and the review sink: files, threads and rooms that are real."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from line.messages import Frame
from line.run_files.review_spool import SpooledPicture, SpoolReader, SpoolWriter

PATIENCE_S = 300.0
LARGEST = 10**6


def frame(seq: int, camera: int = 0) -> Frame:
    return Frame(
        camera=camera,
        seq=seq,
        scheduled_s=seq / 8,
        triggered=0.0,
        published=0.0,
        deadline=1.0,
        true_class=None,
        mass_g=1.0,
        encoding="raw",
        height_px=40,
        width_px=50,
        picture_crc32=0,
    )


def picture(seq: int) -> bytes:
    return bytes([seq % 256]) * 6000


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline
        sleep(0.005)


def keep_all(writer: SpoolWriter, seqs: range, camera: int = 0) -> list[int]:
    """Keep the pictures one after the other; the items as they were settled."""
    settled: list[int] = []
    for number, seq in enumerate(seqs, 1):
        writer.keep(frame(seq, camera), picture(seq), settled.append)
        until(lambda number=number: len(settled) == number)  # type: ignore[misc]
    return settled


def test_a_picture_comes_out_as_it_went_in(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path, 3, LARGEST), SpoolReader(tmp_path, LARGEST)
    assert keep_all(writer, range(5), camera=3) == [0, 1, 2, 3, 4]
    assert reader.take("3-4") == SpooledPicture("raw", 40, 50, picture(4))
    assert reader.take("3-4") is not None, "it stays until it is discarded"
    reader.discard("3-4")
    writer.mark(5)
    until(lambda: reader.take("3-4") is None)
    writer.close()
    assert writer.lost == 0


def test_what_is_missing_is_awaited_until_its_camera_says_that_it_is_settled(
    tmp_path: Path,
) -> None:
    writer, reader = SpoolWriter(tmp_path, 0, LARGEST), SpoolReader(tmp_path, LARGEST)
    assert reader.take("0-7") == "not yet"
    writer.mark(7)
    until(lambda: reader.take("0-6") is None)
    assert reader.take("0-7") == "not yet"
    assert reader.take("1-0") == "not yet", "of another lane"
    writer.mark(8)
    writer.close()
    assert reader.take("0-7") is None


def test_a_full_spool_loses_pictures_counts_them_and_has_room_again_when_they_are_taken(
    tmp_path: Path,
) -> None:
    writer, reader = SpoolWriter(tmp_path, 0, 20_000), SpoolReader(tmp_path, LARGEST)
    assert keep_all(writer, range(10)) == list(range(10)), "each is settled all the same"
    assert writer.lost == 7
    files = list((tmp_path / "camera-0").glob("*.picture"))
    assert sum(path.stat().st_size for path in files) <= 20_000
    for seq in range(3):
        reader.discard(f"0-{seq}")

    def is_taken_again() -> bool:
        keep_all(writer, range(20, 21))
        return isinstance(reader.take("0-20"), SpooledPicture)

    until(is_taken_again)
    writer.close()


def test_what_an_earlier_camera_left_counts(tmp_path: Path) -> None:
    first = SpoolWriter(tmp_path, 0, 20_000)
    keep_all(first, range(3))
    first.close()
    second = SpoolWriter(tmp_path, 0, 20_000)
    keep_all(second, range(3, 5))
    second.close()
    assert (first.lost, second.lost) == (0, 2)


def test_a_spool_that_cannot_be_written_loses_pictures_and_holds_nobody_up(
    tmp_path: Path,
) -> None:
    (tmp_path / "camera-0").write_text("in the way")
    writer = SpoolWriter(tmp_path, 0, LARGEST)
    assert keep_all(writer, range(3)) == [0, 1, 2]
    assert writer.lost == 3
    writer.mark(3)
    writer.close()


def test_a_disk_that_stands_still_fills_a_bounded_memory_and_the_rest_is_lost(
    tmp_path: Path,
) -> None:
    """A pipe in place of the first file: whoever opens it to write waits for a reader."""
    folder = tmp_path / "camera-0"
    writer = SpoolWriter(tmp_path, 0, 10**9)
    settled = keep_all(writer, range(1))
    os.mkfifo(folder / ".1.draft")
    large = bytes(8 * 10**6)
    for seq in range(1, 13):
        writer.keep(frame(seq), large, settled.append)
    assert writer.lost == 8, "four of 8 MB wait, within 32 MB"
    assert settled == [0, *range(5, 13)], "those are settled at once"
    with (folder / ".1.draft").open("rb") as end:
        while end.read(1 << 20):
            pass
    until(lambda: len(settled) == 13)
    writer.close()


@pytest.mark.parametrize("damage", [b"", b"SLP1", b"\0" * 100, None])
def test_a_damaged_picture_is_lost(tmp_path: Path, damage: bytes | None) -> None:
    writer, reader = SpoolWriter(tmp_path, 0, LARGEST), SpoolReader(tmp_path, LARGEST)
    keep_all(writer, range(1))
    path = tmp_path / "camera-0" / "0.picture"
    path.write_bytes(path.read_bytes()[:-1] + b"!" if damage is None else damage)
    assert reader.take("0-0") is None
    writer.close()


def test_neither_pipes_nor_links_nor_huge_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "camera-0"
    folder.mkdir()
    os.mkfifo(folder / "0.picture")
    (folder / "1.picture").symlink_to("/dev/zero")
    with (folder / "2.picture").open("wb") as huge:
        huge.truncate(10**12)
    (folder / "settled").symlink_to("/dev/zero")
    reader = SpoolReader(tmp_path, LARGEST)
    assert [reader.take(f"0-{seq}") for seq in range(3)] == ["not yet"] * 3


@pytest.mark.parametrize(
    "name", ["", "0", "../0-1", "0-1/..", "0--1", "0-1.picture", "\u0663-\u0661"]
)
def test_what_names_no_item_names_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="names no item"):
        SpoolReader(tmp_path, LARGEST).take(name)


def test_pictures_of_items_that_are_done_are_swept_away(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path, 0, LARGEST), SpoolReader(tmp_path, LARGEST)
    keep_all(writer, range(4))
    (tmp_path / "camera-x").mkdir()
    reader.sweep(lambda camera, seq: (camera, seq) in {(0, 1), (0, 2)})
    assert sorted(path.name for path in (tmp_path / "camera-0").glob("*.picture")) == [
        "0.picture",
        "3.picture",
    ]
    writer.close()


def test_a_writer_that_is_closed_has_written_what_waited(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, 0, LARGEST)
    settled: list[int] = []
    lock = threading.Lock()

    def settle(seq: int) -> None:
        with lock:
            settled.append(seq)

    for seq in range(20):
        writer.keep(frame(seq), picture(seq), settle)
    writer.mark(20)
    writer.close()
    assert sorted(settled) == list(range(20))
    reader = SpoolReader(tmp_path, LARGEST)
    assert all(isinstance(reader.take(f"0-{seq}"), SpooledPicture) for seq in range(20))
    writer.keep(frame(20), picture(20), settle)
    assert (settled[-1], writer.lost) == (20, 1), "after the close there is no room"
    assert reader.take("0-20") == "not yet"
    writer.mark(21)
    assert reader.take("0-20") is None
