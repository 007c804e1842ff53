"""A CSV file of any size as blocks of whole records, in little memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pictures.regular_file import open_regular

_BLOCK_BYTES = 8 << 20
_LONGEST_RECORD = 4 << 20
"""Bytes; a thousand times what a row of the line takes."""
_MOST_TORN_BREAKS = 1
"""Line breaks in a last record that a kill has torn inside a quotation. More are whole rows behind
a stray quotation mark, which nobody may leave out without a word."""

Tell = Callable[[int, int], None]
"""Told how many bytes of how many are read."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some records, each to its end; `first_line` is the number of their first line."""

    data: bytes
    first_line: int


def blocks(
    path: Path,
    tell: Tell = lambda done, of: None,
    *,
    follow_links: bool = True,
    torn: bool = False,
) -> Iterator[Block]:
    """The records of `path`, which may still be growing: a last one without its end is left out.

    With `torn` it is a block of its own instead.

    Raises:
        OSError: the file cannot be read, or is no regular file.
        ValueError: it has a record that is longer than any row.
    """
    with os.fdopen(open_regular(path, follow_links=follow_links), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        rest, line = b"", 1
        while piece := file.read(_BLOCK_BYTES):
            data = rest + piece
            end = _end_of_records(data)
            if end:
                yield Block(data[:end], line)
            line += data.count(b"\n", 0, end)
            rest = data[end:]
            if len(rest) > _LONGEST_RECORD:
                raise ValueError(f"line {line}: longer than {_LONGEST_RECORD / 1e6:.0f} MB")
            tell(file.tell(), size)
    if rest.count(b"\n") > _MOST_TORN_BREAKS:
        raise ValueError(f"line {line}: a quotation that does not end")
    if rest and torn:
        yield Block(rest, line)


def _end_of_records(data: bytes) -> int:
    """Where the last whole record of `data` ends; 0 if there is none."""
    end = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    while quotes % 2:  # the end of a line inside an open quotation is not the end of a record
        start = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', start, end)
        end = start
    return end
