"""`RUN_DIR/pictures.list`: what a run feeds, fixed when it begins, in the order of feeding.

A folder may change while a run is under way. The items of the run do not: its cameras, those that
start again, whoever resumes and whoever replays it read this file and never look into the folder.

    checksum and header      a line: CRC-32 in hex, a blank, JSON
    offsets                  count + 1 numbers of 8 bytes, little-endian, from the first record on
    records                  CRC-32, 4 bytes; the path inside the folder, as the system has it

So any picture's path is two small reads away, however many there are. Of a video only the number
of its frames is kept.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput
from line.plain_text import plain
from pictures.picture_file import SUFFIXES
from pictures.picture_folder import PICTURE, in_words, look_through
from pictures.regular_file import open_regular


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds; `classes`: its sub-folders that hold pictures, None if it is flat."""

    paths: list[str]
    """inside the folder, sorted"""
    classes: tuple[str, ...] | None
    passed_over: str = ""
    """what else lies there, counted by kind, in words"""


def list_pictures(root: Path, max_items: int) -> Listing:
    """Where sub-folders hold pictures, they are the classes; else `root` itself does.

    What counts as a picture says `pictures.picture_folder`; no file is opened.

    Raises:
        BadInput: naming the path, for a folder that is missing or may not be read, without pictures
            or with more than `max_items`, or with some beside its sub-folders.
    """
    if not root.is_dir():
        raise BadInput(f"{plain(str(root))}: no such folder")
    found: list[str] = []
    others: Counter[str] = Counter()
    for path in _pictures(root, others):
        found.append(path)
        if len(found) > max_items:
            most = f"more pictures than source.max_items = {max_items}"
            raise BadInput(f"{plain(str(root))}: {most}")
    found.sort()
    loose = [path for path in found if "/" not in path]
    if not found:
        names = " ".join(sorted(SUFFIXES))
        what = f"; passed over: {plain(in_words(others))}" if others else ""
        raise BadInput(f"{plain(str(root))}: no pictures in it ({names}){what}")
    if not loose:
        classes = tuple(sorted({path.split("/", 1)[0] for path in found}))
        return Listing(found, classes, plain(in_words(others)))
    if len(loose) < len(found):
        stray = plain(str(root / loose[0]))
        raise BadInput(f"{stray}: lies beside class folders, so its class is not known")
    return Listing(found, None, plain(in_words(others)))


def _pictures(root: Path, passed_over: Counter[str]) -> Iterator[str]:
    try:
        for path, kind in look_through(root):
            if kind == PICTURE:
                yield path
            else:
                passed_over[kind] += 1
    except OSError as error:
        where = plain(str(error.filename))
        raise BadInput(f"{where}: {error.strerror or error}") from None


NAME = "pictures.list"
_LONGEST_HEADER = 16 * 10**6
_LONGEST_PATH = 1 << 16
_CHECK = struct.Struct("<I")
_ENDS = struct.Struct("<QQ")


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    kind: Literal["folder", "video"]
    count: int = Field(ge=1, le=10**9)
    """pictures, or frames"""
    record_bytes: int = Field(ge=0, le=1 << 50)
    classes: tuple[str, ...] | None = None


class PictureList:
    """The list of a run, open for reading. Raises BadInput, naming the file, if it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._fd = open_regular(path)
        except FileNotFoundError:
            raise BadInput(f"{path}: missing; it says which pictures the run feeds") from None
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None
        try:
            self._header, self._offsets = self._read_header()
        except BadInput:
            self.close()
            raise
        self.kind = self._header.kind
        self.classes = self._header.classes

    def __len__(self) -> int:
        return self._header.count

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> str:
        """Path inside the folder of the picture at a place. Raises IndexError past the end."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        begin, end = _ENDS.unpack(self._read(self._offsets + 8 * place, _ENDS.size))
        if not _CHECK.size < end - begin <= _LONGEST_PATH:
            raise self._damaged()
        records = self._offsets + 8 * (len(self) + 1)
        record = self._read(records + begin, end - begin)
        path = record[_CHECK.size :]
        if _CHECK.unpack_from(record) != (zlib.crc32(path),) or not _lies_inside(path):
            raise self._damaged()
        return os.fsdecode(path)

    def close(self) -> None:
        """May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_header(self) -> tuple[_Header, int]:
        with os.fdopen(os.dup(self._fd), "rb") as file:
            line = file.readline(_LONGEST_HEADER)
        check, _, text = line.rstrip(b"\n").partition(b" ")
        try:
            if int(check, 16) != zlib.crc32(text):
                raise self._damaged()
            header = _Header.model_validate_json(text)
        except (ValueError, ValidationError):
            raise self._damaged() from None
        size = len(line)
        if header.kind == "folder":
            size += 8 * (header.count + 1) + header.record_bytes
        if os.fstat(self._fd).st_size != size:
            raise self._damaged()
        return header, len(line)

    def _read(self, at: int, count: int) -> bytes:
        data = os.pread(self._fd, count, at)
        if len(data) < count:
            raise self._damaged()
        return data

    def _damaged(self) -> BadInput:
        return BadInput(f"{self._path}: damaged; it says which pictures the run feeds")


def write_folder(run_dir: Path, paths: Iterable[str], classes: tuple[str, ...] | None) -> None:
    """Keep the list of a folder's pictures, in the order of feeding. Raises OSError."""
    records = [os.fsencode(path) for path in paths]
    ends = list(accumulate((len(record) + _CHECK.size for record in records), initial=0))
    header = _Header(kind="folder", count=len(records), record_bytes=ends[-1], classes=classes)
    with (run_dir / NAME).open("xb") as file:
        file.write(_line(header))
        file.write(np.asarray(ends, "<u8").tobytes())
        for record in records:
            file.write(_CHECK.pack(zlib.crc32(record)) + record)


def write_video(run_dir: Path, frames: int) -> None:
    """Keep the number of a video's frames. Raises OSError."""
    with (run_dir / NAME).open("xb") as file:
        file.write(_line(_Header(kind="video", count=frames, record_bytes=0)))


def _line(header: _Header) -> bytes:
    text = json.dumps(header.model_dump()).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _lies_inside(path: bytes) -> bool:
    return all(part not in (b"", b".", b"..") for part in path.split(b"/")) and b"\0" not in path
