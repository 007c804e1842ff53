from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from line.own_file import read_regular
from pictures.regular_file import open_regular

LARGEST = 1000


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"", b"a", b"x" * LARGEST):
        path.write_bytes(data)
        assert read_regular(path, LARGEST) == data


def test_one_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(OSError, match=r"is larger than 0\.001 MB: '.*/file'"):
        read_regular(path, LARGEST)
    os.truncate(path, 10**12)  # a hole of a terabyte
    with pytest.raises(OSError, match="is larger than"):
        read_regular(path, LARGEST)


@pytest.mark.parametrize("follow_links", [False, True])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_APPEND])
def test_nothing_but_a_file_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int, follow_links: bool
) -> None:
    """None of these may wait: nobody is at the pipe's other end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "pipe link").symlink_to(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("socket")
        for path in [*tmp_path.iterdir(), Path("/dev/zero")]:
            with pytest.raises(OSError, match=r"not a|link|symbolic"):
                open_regular(path, flags, follow_links=follow_links)


def test_a_link_is_followed_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", LARGEST, follow_links=True) == b"data"
    with pytest.raises(OSError, match="is a link"):
        read_regular(tmp_path / "link", LARGEST)


def test_nothing_is_made_through_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a link"):
        open_regular(tmp_path / "link", os.O_RDWR | os.O_CREAT)
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_file_is_missing_or_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "file", LARGEST)
    os.close(open_regular(tmp_path / "file", os.O_RDWR | os.O_CREAT))
    assert read_regular(tmp_path / "file", LARGEST) == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_read_but_where_only_ours_will_do(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"data")
    assert read_regular(path, LARGEST, only_ours=True) == b"data"
    os.chown(path, 4711, 4711)
    assert read_regular(path, LARGEST) == b"data"
    with pytest.raises(PermissionError, match="belongs to user 4711"):
        read_regular(path, LARGEST, only_ours=True)
