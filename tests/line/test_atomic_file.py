from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, get_native_id

import pytest

from line.atomic_file import write_atomically


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.parametrize("sync", [False, True])
def test_a_file_is_made_and_replaced(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "file.json"
    for data in (b"first", b"", b"x" * 300_000):
        write_atomically(path, data, sync=sync)
        assert path.read_bytes() == data
    assert [left.name for left in tmp_path.iterdir()] == ["file.json"]


def test_the_umask_decides_who_may_read(tmp_path: Path, umask: None) -> None:
    write_atomically(tmp_path / "file", b"data")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_what_cannot_be_replaced_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"data")
    assert (tmp_path / "folder" / "inner").is_dir()
    assert [left.name for left in tmp_path.iterdir()] == ["folder"]


def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def no_room(fd: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", no_room)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["file"]


def test_a_link_is_replaced_and_what_it_named_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"somebody's")
    path = tmp_path / "file"
    path.symlink_to(elsewhere)
    write_atomically(path, b"data")
    assert elsewhere.read_bytes() == b"somebody's"
    assert not path.is_symlink()


def test_a_link_in_the_temporary_files_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"somebody's")
    (tmp_path / f".file.{get_native_id()}.tmp").symlink_to(elsewhere)
    write_atomically(tmp_path / "file", b"data")
    assert elsewhere.read_bytes() == b"somebody's"
    assert (tmp_path / "file").read_bytes() == b"data"


def test_readers_and_writers_of_one_file_never_see_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = [bytes([letter]) * 50_000 for letter in b"ab"]
    write_atomically(path, whole[0])

    def write(data: bytes) -> None:
        for _ in range(50):
            write_atomically(path, data)

    writers = [Thread(target=write, args=(data,)) for data in whole]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in whole
    for writer in writers:
        writer.join()
    assert [left.name for left in tmp_path.iterdir()] == ["file"]
