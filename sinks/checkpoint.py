"""How far a process has come in a growing file: a hint that is checked before it is believed.

The file itself stays the truth. A cursor carries a checksum of the bytes in front of it, so that a
file that was cut, replaced or changed there is noticed; a checkpoint carries one of itself.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from line.atomic_file import write_atomically
from line.own_file import read_regular
from line.sequence_set import SeqSet

_CHECKED_BYTES = 4096
_LARGEST = 64 * 10**6


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a file, between two lines; `check`: CRC-32 of up to 4096 bytes in front of it."""

    offset: int = 0
    check: int = 0

    @classmethod
    def at(cls, fd: int, offset: int) -> Self:
        """The cursor at `offset` of an open file."""
        return cls(offset, _check(fd, offset))

    @classmethod
    def of(cls, state: Any) -> Self:
        """Inverse of `state`. Raises ValueError for anything else."""
        match state:
            case [int(offset), int(check)] if offset >= 0:
                return cls(offset, check)
        raise ValueError("not a cursor")

    @property
    def state(self) -> list[int]:
        """As JSON keeps it."""
        return [self.offset, self.check]

    def agrees(self, fd: int) -> bool:
        """The file still holds what stood in front of the cursor."""
        return os.fstat(fd).st_size >= self.offset and _check(fd, self.offset) == self.check


class Checkpoint:
    """A small file that is replaced as a whole; one that is damaged is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any] | None:
        """What was written last; None if there is nothing that can be believed."""
        try:
            check, _, content = read_regular(self._path, _LARGEST, only_ours=True).partition(b"\n")
            if int(check, 16) != zlib.crc32(content):
                return None
            state = json.loads(content)
        except (OSError, ValueError, RecursionError):
            return None
        return state if isinstance(state, dict) else None

    def write(self, state: Mapping[str, Any]) -> None:
        """Raises OSError if it cannot be written; the one before stands then."""
        content = json.dumps(state, separators=(",", ":")).encode()
        write_atomically(self._path, b"%08x\n" % zlib.crc32(content) + content)


def runs_of(seqs: SeqSet) -> list[list[int]]:
    """The runs of a set, the first from 0, as JSON keeps them."""
    return [[0, seqs.low], *([begin, end] for begin, end in seqs.runs)]


def seqs_of(runs: Any) -> SeqSet:
    """Inverse of `runs_of`.

    Raises TypeError or ValueError unless these are rising runs of numbers, the first from 0.
    """
    (zero, low), *above = [(int(begin), int(end)) for begin, end in runs]
    edges = [edge for run in above for edge in run]
    if zero != 0 or low < 0 or any(a >= b for a, b in zip([low, *edges], edges, strict=False)):
        raise ValueError("not runs of numbers")
    return SeqSet.of(low, above)


def _check(fd: int, offset: int) -> int:
    begin = max(0, offset - _CHECKED_BYTES)
    return zlib.crc32(os.pread(fd, offset - begin, begin))
