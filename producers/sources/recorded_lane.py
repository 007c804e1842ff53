"""Where each item of a recorded lane stands, so that any of them is a small read away.

A replay works this out once, when it begins, and keeps it in its run folder as
`camera-N.recorded`: a line with a checksum and JSON, then a record of one size for each item. A
camera of the replay that starts again reads no recording but the items that it feeds.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput
from line.run_files.recording import (
    LaneFacts,
    RecordedItem,
    check_sequences,
    not_recorded,
    parts,
    read_item,
    read_records,
)
from pictures.regular_file import open_regular

_RECORD = struct.Struct("<dqiI")
"""belt time of the trigger, byte of the part where the facts stand, part or -1, checksum"""
_CHECKED = 20
_LONGEST_HEADER = 16 * 10**6
_BATCH_ITEMS = 1024


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    facts: LaneFacts
    count: int = Field(ge=0, le=1 << 32)


class RecordedLane:
    """One lane of the recording in a run folder, open for reading."""

    def __init__(self, recorded: Path, fd: int, begin: int, header: _Header, name: str) -> None:
        """`fd`: the index, whose records begin at byte `begin`; `name`: what it is called."""
        self.facts = header.facts
        self.count = header.count
        self._parts = parts(recorded, header.facts.camera)
        self._fd = fd
        self._begin = begin
        self._name = name

    @classmethod
    def indexed(cls, recorded: Path, index: Path) -> Self:
        """By the index at a path. Raises BadInput, naming it, if it is missing or damaged."""
        try:
            fd = open_regular(index)
        except OSError as error:
            raise BadInput(f"{index}: {error.strerror or error}") from None
        try:
            return cls._opened(recorded, fd, str(index))
        except BadInput:
            os.close(fd)
            raise

    @classmethod
    def scanned(cls, recorded: Path, camera: int) -> Self:
        """By reading through the recording. Raises BadInput, naming the folder or the file."""
        fd = _unnamed_file()
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(index_of(recorded, camera))
        return cls._opened(recorded, fd, f"the index of {recorded}")

    @classmethod
    def _opened(cls, recorded: Path, fd: int, name: str) -> Self:
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            line = file.readline(_LONGEST_HEADER)
        check, _, text = line.rstrip(b"\n").partition(b" ")
        try:
            whole = int(check, 16) == zlib.crc32(text)
            header = _Header.model_validate_json(text)
        except (ValueError, ValidationError):
            whole = False
        if not whole or os.fstat(fd).st_size != len(line) + header.count * _RECORD.size:
            raise BadInput(f"{name}: damaged")
        return cls(recorded, fd, len(line), header, name)

    def triggers_s(self, since: int) -> Iterator[float]:
        """Belt times (s) at which items `since`, `since` + 1 … were at the photo-eye."""
        for first in range(since, self.count, _BATCH_ITEMS):
            for record in self._records(first, min(_BATCH_ITEMS, self.count - first)):
                yield record[0]

    def item(self, seq: int) -> tuple[Path, RecordedItem] | None:
        """An item and the file with its picture; None if it is missing between others.

        Raises:
            BadInput: naming the file, if it is damaged there.
        """
        if not 0 <= seq < self.count:
            return None
        ((_, at, part),) = self._records(seq, 1)
        if part < 0:
            return None
        if part >= len(self._parts):
            raise BadInput(f"{self._name}: names a file that is not there")
        path = self._parts[part]
        item = read_item(path, at)
        if item.seq != seq:
            raise BadInput(f"{path}: changed since the replay began")
        return path, item

    def close(self) -> None:
        """May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _records(self, first: int, count: int) -> list[tuple[float, int, int]]:
        size = _RECORD.size
        data = os.pread(self._fd, count * size, self._begin + first * size)
        found = []
        for at in range(0, count * size, size):
            record = data[at : at + size]
            if len(record) < size or _RECORD.unpack(record)[3] != zlib.crc32(record[:_CHECKED]):
                raise BadInput(f"{self._name}: damaged")
            found.append(_RECORD.unpack(record)[:3])
        return found


def index_name(camera: int) -> str:
    """Of a lane's index in the folder of the run that replays it."""
    return f"camera-{camera}.recorded"


def index_of(recorded: Path, camera: int) -> bytes:
    """The index of a lane. Raises BadInput, naming the folder or the file, as `read_lane` does."""
    facts: LaneFacts | None = None
    places: dict[int, int] = {}
    times, ats, numbers, whole = array("d"), array("q"), array("i"), bytearray()
    files = {path: number for number, path in enumerate(parts(recorded, camera))}
    for path, at, record in read_records(recorded, camera):
        if isinstance(record, LaneFacts):
            facts = facts or record
            continue
        has_picture = record.picture_at is not None
        place = places.setdefault(record.seq, len(times))
        if place == len(times):
            times.append(0.0)
            ats.append(0)
            numbers.append(0)
            whole.append(2)
        if whole[place] == 2 or (not whole[place] and has_picture):
            times[place], ats[place], numbers[place] = record.trigger_s, at, files[path]
            whole[place] = has_picture
    if facts is None:
        raise not_recorded(recorded, camera)
    seqs = sorted(places)
    known_s = [times[places[seq]] for seq in seqs]
    check_sequences(recorded, camera, seqs, known_s)
    count = seqs[-1] + 1 if seqs else 0
    header = json.dumps(_Header(facts=facts, count=count).model_dump()).encode()
    every_s = np.interp(np.arange(count), seqs, known_s) if seqs else np.empty(0)
    records = bytearray(b"%08x %s\n" % (zlib.crc32(header), header))
    for seq, trigger_s in enumerate(every_s.tolist()):
        known = places.get(seq)
        at, part = (0, -1) if known is None else (ats[known], numbers[known])
        body = _RECORD.pack(trigger_s, at, part, 0)[:_CHECKED]
        records += body + struct.pack("<I", zlib.crc32(body))
    return bytes(records)


def _unnamed_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
