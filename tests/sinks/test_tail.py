"""A reader behind a growing file, whatever becomes of the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinks.checkpoint import Cursor
from sinks.tail import Tail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    with closing(Tail(path)) as tail:
        yield tail


def read(tail: Tail) -> list[str]:
    """All lines that are there, each passed at once."""
    found: list[str] = []
    while lines := tail.look():
        found += [line.decode() for line in lines]
        tail.passed(len(lines))
    return found


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_lines_come_once_they_are_whole_and_a_file_once_it_is_there(path: Path, tail: Tail) -> None:
    assert read(tail) == []
    add(path, "one\ntw")
    assert read(tail) == ["one"]
    assert read(tail) == []
    assert tail.behind_bytes == 2
    add(path, "o\n")
    assert read(tail) == ["two"]
    assert tail.behind_bytes == 0


def test_lines_that_were_not_passed_come_again(path: Path, tail: Tail) -> None:
    add(path, "one\ntwo\nthree\n")
    assert tail.look() == [b"one", b"two", b"three"]
    tail.passed(1)
    assert tail.look() == [b"two", b"three"]
    tail.passed(0)
    assert tail.look() == [b"two", b"three"]


def test_a_reader_goes_on_where_another_stopped(path: Path, tail: Tail) -> None:
    add(path, "one\ntwo\n")
    tail.look()
    tail.passed(1)
    with closing(Tail(path)) as next_one:
        next_one.begin(Cursor.of(tail.cursor.state))
        assert read(next_one) == ["two"]


@pytest.mark.parametrize(
    ("becomes", "expected"),
    [
        ("one\ntwo\nthree\nfour\n", ["four"]),
        ("one\n2\nthree\n", ["2", "three"]),
        ("one\nTWO\nTHREE\nfour\n", ["TWO", "THREE", "four"]),
        ("other\nrows\nof\nanother\nfile\n", ["other", "rows", "of", "another", "file"]),
        ("one\n", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("is_another_file", [False, True])
def test_what_was_changed_is_read_from_the_last_place_that_still_holds(
    path: Path, tail: Tail, becomes: str, expected: list[str], is_another_file: bool
) -> None:
    for line in ("one\n", "two\n", "three\n"):
        add(path, line)
        read(tail)
    if is_another_file:
        other = path.with_name("other")
        other.write_text(becomes)
        other.rename(path)
    else:
        path.write_text(becomes)
    assert read(tail) == expected
    add(path, "more\n")
    assert read(tail) == ["more"]


def test_a_cursor_of_another_file_begins_at_the_start(path: Path, tail: Tail) -> None:
    add(path, "one\ntwo\n")
    tail.begin(Cursor(4, 12345))
    assert read(tail) == ["one", "two"]


def test_a_file_that_is_taken_away_and_put_back_is_read_on(path: Path, tail: Tail) -> None:
    add(path, "one\n")
    assert read(tail) == ["one"]
    path.rename(path.with_name("kept"))
    assert read(tail) == []
    path.write_text("one\ntwo\n")
    assert read(tail) == ["two"]


def test_a_line_without_end_is_passed_over_in_bounded_pieces(path: Path, tail: Tail) -> None:
    add(path, "x" * 10**6 + "\nlast\n")
    found: list[bytes] = []
    for _ in range(20):
        lines = tail.look()
        found += lines
        tail.passed(len(lines))
    assert found[-1] == b"last"
    assert len(found) == 2
    assert len(found[0]) < 300_000
    assert tail.overlong == 3


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_as_good_as_none(path: Path, tail: Tail, make: object) -> None:
    assert callable(make)
    make(path)
    assert read(tail) == []
    assert tail.behind_bytes == 0 or path.is_dir()


@pytest.mark.parametrize("state", [None, [], [1], ["1", 2], [-1, 0], [1, 2, 3], {"offset": 1}])
def test_what_is_no_cursor_is_refused(state: object) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        Cursor.of(state)
