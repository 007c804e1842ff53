"""`camera-N.progress`: what must be known of a lane when its camera, or the whole line, goes on.

The file holds the record twice, in two sectors that are written in turn, each with a count and a
checksum. So whatever cuts a write short leaves the record of before, and the one that counts is
the newer of those that are whole. Numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.outcome import COLUMNS
from line.own_file import read_regular
from line.run_files.results import FILE as RESULTS

_MAGIC = b"scrapln2"
_LAYOUT = struct.Struct("<8sQqqddqdI")
"""magic, count, low, fed, reached_s, resume_s, mark_seq, mark_feeder_s, feed"""
_CHECKSUM = struct.Struct("<I")
SECTOR_BYTES = 512
FILE_BYTES = 2 * SECTOR_BYTES
MOST_ITEMS = 1 << 32
"""of one lane; no run comes near it"""
_LONGEST_S = 1e10
_SHORTEST_ROW = len(COLUMNS)
"""Bytes: a comma or the line's end behind each cell."""


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """A lane's progress file. Times are wall seconds since belt second 0, pauses not counted."""

    low: int = 0
    """all items below this number stand in every sink"""
    fed: int = 0
    """items that have passed the photo-eye"""
    reached_s: float = 0.0
    """how far the belt has come"""
    resume_s: float = 0.0
    """from where it must run again so that no item is missed; infinite if the lane is done"""
    mark_seq: int = 0
    """a settled item from which on the feed can be worked out without its past"""
    mark_feeder_s: float = 0.0
    """the feeder's own time before that item"""
    feed: int = 0
    """checksum of the settings that make the feed; the mark holds for no other"""

    @classmethod
    def read(cls, path: Path) -> LaneRecord:
        """The record in a file; that of a new lane if there is none.

        Raises:
            BadInput: naming the file, if it is there and does not hold a record that can be.
        """
        return read_counted(path)[1]

    @property
    def fault(self) -> str:
        """What cannot be so; empty if nothing."""
        if not 0 <= self.low <= self.fed <= MOST_ITEMS:
            return f"{self.low} of {self.fed} items settled cannot be"
        if not 0 <= self.reached_s <= _LONGEST_S:
            return f"a belt at second {self.reached_s:g} cannot be"
        if not (0 <= self.resume_s <= self.reached_s or self.resume_s == math.inf):
            return f"to go on at second {self.resume_s:g} of {self.reached_s:g} cannot be"
        if not (0 <= self.mark_seq <= self.low and 0 <= self.mark_feeder_s <= _LONGEST_S):
            return "the mark of its feed cannot be"
        return ""

    def sector(self, count: int) -> bytes:
        """The bytes of the `count`-th record of a file; they belong into its half `count` % 2."""
        body = _LAYOUT.pack(
            _MAGIC,
            count,
            self.low,
            self.fed,
            self.reached_s,
            self.resume_s,
            self.mark_seq,
            self.mark_feeder_s,
            self.feed,
        )
        return body + _CHECKSUM.pack(zlib.crc32(body))


def read_counted(path: Path) -> tuple[int, LaneRecord]:
    """The count of the record in a file, 0 if there is none, and what `LaneRecord.read` says."""
    try:
        stored = read_regular(path, FILE_BYTES)
    except FileNotFoundError:
        return 0, LaneRecord()
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    found = [read for read in map(_unpacked, _sectors(stored)) if read is not None]
    if not found:
        raise _refused(path, "damaged, or of another version")
    count, record = max(found, key=lambda counted: counted[0])
    if record.fault:
        raise _refused(path, record.fault)
    return count, record


def check_lanes(run_dir: Path, cameras: int) -> None:
    """Raise BadInput, naming the file, unless the lanes' records can be, beside the rows."""
    names = [f"camera-{number}.progress" for number in range(cameras)]
    lows = {name: LaneRecord.read(run_dir / name).low for name in names}
    try:
        size = (run_dir / RESULTS).stat().st_size
    except FileNotFoundError:
        size = 0
    settled = sum(lows.values())
    if settled * _SHORTEST_ROW > size:
        path = run_dir / max(lows, key=lambda name: lows[name])
        raise _refused(path, f"{settled} items settled cannot be: {RESULTS} has {size} bytes")


def _sectors(stored: bytes) -> tuple[bytes, bytes]:
    return stored[:SECTOR_BYTES], stored[SECTOR_BYTES:]


def _unpacked(sector: bytes) -> tuple[int, LaneRecord] | None:
    """Count and record; None for bytes that were not written whole."""
    size = _LAYOUT.size
    if len(sector) < size + _CHECKSUM.size:
        return None
    if _CHECKSUM.unpack_from(sector, size) != (zlib.crc32(sector[:size]),):
        return None
    magic, count, *values = _LAYOUT.unpack_from(sector)
    return (count, LaneRecord(*values)) if magic == _MAGIC else None


def _refused(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path}: {why}; without this file the lane is run again from its beginning, "
        "and rows that stand are kept: remove it to do so"
    )
