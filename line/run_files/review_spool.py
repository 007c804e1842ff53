"""Pictures on their way from a camera to the review sink, in files, bounded.

    RUN_DIR/review/spool/camera-N/SEQ.picture    one picture: a small header, then its bytes
    RUN_DIR/review/spool/camera-N/settled        up to which item nothing more will come

The camera writes in a thread and never waits: a picture that finds no room is lost, and counted.
The review sink may be slow, locked out or dead for as long as it likes.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import threading
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal, cast

from line.messages import Buffer, Encoding, Frame

FOLDER = "spool"
"""Below the folder of the review queue."""
_SETTLED = "settled"
_SUFFIX = ".picture"
_DRAFT = ".draft"
_HEADER = struct.Struct("<4sBIII")  # magic, encoding, height, width, CRC-32 of the bytes
_MAGIC = b"SLP1"
_ENCODINGS: tuple[Encoding, ...] = ("raw", "jpeg")
_MARK = struct.Struct("<QI")  # the item's number, CRC-32 of its bytes
_BLOCK_BYTES = 4096
"""The least that a file counts for: a folder of a million tiny files is no bounded spool either."""
_PENDING_BYTES = 32 * 10**6
"""Most that waits in memory for the disk; a single picture is always taken."""
_MARK_S = 1.0
"""Only who misses a picture waits for the mark, and a mark is a new file."""
_SCAN_S = 1.0
_CLOSE_S = 2.0
_FRAME_ID = re.compile(r"(\d{1,9})-(\d{1,19})", re.ASCII)

NotYet = Literal["not yet"]


@dataclass(frozen=True, slots=True)
class SpooledPicture:
    """A picture as it left the camera; `encoding` says what `data` is."""

    encoding: Encoding
    height_px: int
    width_px: int
    data: bytes


class SpoolWriter:
    """The camera's end: at most `max_bytes` of pictures of its own lie in `folder` unread.

    `folder` is made if need be. Files that an earlier process left there count.
    """

    def __init__(self, folder: Path, camera: int, max_bytes: int) -> None:
        self._folder = folder / f"camera-{camera}"
        self._max_bytes = max_bytes
        self._news = threading.Condition()
        self._pending: deque[tuple[Frame, Buffer, Callable[[int], None]]] = deque()
        self._pending_bytes = 0
        self._low = 0
        self._marked = -1
        self._is_closed = False
        self._lost = 0
        self._stored_bytes = 0
        """on the disk, as far as known; the reader takes away without a word"""
        self._next_scan = 0.0
        self._thread = threading.Thread(target=self._run, name="review spool", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Pictures that found no room, or could not be written."""
        return self._lost

    def keep(self, frame: Frame, data: Buffer, settled: Callable[[int], None]) -> None:
        """Write a picture soon. `settled(seq)` is called once, from any thread.

        By then the picture lies in the folder, or it is lost and counted.
        """
        with self._news:
            size = len(memoryview(data).cast("B"))
            has_room = not self._pending or self._pending_bytes + size <= _PENDING_BYTES
            if has_room and not self._is_closed:
                self._pending.append((frame, data, settled))
                self._pending_bytes += size
                self._news.notify()
                return
            self._lost += 1
        settled(frame.seq)

    def mark(self, low: int) -> None:
        """All proposals of items below `low` are settled: what is missing then never comes."""
        with self._news:
            if low <= self._low:
                return
            self._low = low
            self._news.notify()
        if self._is_closed and not self._thread.is_alive():
            self._write_mark(low)

    def close(self) -> None:
        """Write what waits, as far as the disk takes it within two seconds; then it is lost."""
        with self._news:
            self._is_closed = True
            self._news.notify()
        self._thread.join(_CLOSE_S)

    # -- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        for entry in _entries(self._folder):
            if entry.name.endswith(_DRAFT):  # of a camera that was killed
                with suppress(OSError):
                    Path(entry.path).unlink()
        next_mark = 0.0
        while True:
            with self._news:
                while not self._pending and not self._is_closed:
                    wait_s = next_mark - monotonic() if self._low != self._marked else None
                    if wait_s is not None and wait_s <= 0:
                        break
                    self._news.wait(wait_s)
                job = self._pending[0] if self._pending else None
                low, is_closed = self._low, self._is_closed
            if job is not None:
                self._store(*job)
            elif low != self._marked:
                self._write_mark(low)
                next_mark = monotonic() + _MARK_S
            elif is_closed:
                return

    def _store(self, frame: Frame, data: Buffer, settled: Callable[[int], None]) -> None:
        content = memoryview(data).cast("B")
        is_stored = self._has_room(len(content)) and self._write(frame, content)
        with self._news:
            self._pending.popleft()
            self._pending_bytes -= len(content)
            self._lost += not is_stored
        settled(frame.seq)

    def _has_room(self, size: int) -> bool:
        wanted = _charge(size)
        if self._stored_bytes + wanted > self._max_bytes or not self._next_scan:
            now = monotonic()
            if now >= self._next_scan:
                self._stored_bytes = _bytes_in(self._folder)
                # A full folder of many files takes a while to count.
                self._next_scan = monotonic() + max(_SCAN_S, 20 * (monotonic() - now))
        return self._stored_bytes + wanted <= self._max_bytes

    def _write(self, frame: Frame, content: memoryview) -> bool:
        header = _HEADER.pack(
            _MAGIC,
            _ENCODINGS.index(frame.encoding),
            frame.height_px,
            frame.width_px,
            zlib.crc32(content),
        )
        draft = self._folder / f".{frame.seq}{_DRAFT}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(header)
                file.write(content)
            draft.replace(self._folder / f"{frame.seq}{_SUFFIX}")
        except OSError:
            with suppress(OSError):
                draft.unlink()
            return False
        self._stored_bytes += _charge(len(content))
        return True

    def _write_mark(self, low: int) -> None:
        self._marked = low
        number = struct.pack("<Q", low)
        draft = self._folder / f".{_SETTLED}{_DRAFT}"
        with suppress(OSError):  # the reader waits, or hears it the next time
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(number + struct.pack("<I", zlib.crc32(number)))
            draft.replace(self._folder / _SETTLED)


class SpoolReader:
    """The review sink's end. `max_picture_bytes`: a longer file is none of a camera's."""

    def __init__(self, folder: Path, max_picture_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_picture_bytes + _HEADER.size

    def take(self, frame_id: str) -> SpooledPicture | NotYet | None:
        """The picture of an item whose row proposed it; None if it is lost.

        "not yet": its camera has not settled it. A picture stays until it is discarded.
        """
        camera, seq = _parts(frame_id)
        is_settled = seq < self._settled_below(camera)  # asked first: it may come meanwhile
        content = self._read(self._path(camera, seq))
        if content is not None:
            return _decode(content)
        return None if is_settled else "not yet"

    def discard(self, frame_id: str) -> None:
        """The picture is not needed (any more)."""
        with suppress(OSError):
            self._path(*_parts(frame_id)).unlink()

    def sweep(self, is_done: Callable[[int, int], bool]) -> None:
        """Remove pictures of items (camera, seq) that are done: sent once more after a death."""
        for folder in self._folder.glob("camera-*"):
            camera = folder.name.removeprefix("camera-")
            if not camera.isdecimal():
                continue
            for entry in _entries(folder):
                seq = entry.name.removesuffix(_SUFFIX)
                is_picture = entry.name.endswith(_SUFFIX) and seq.isdecimal()
                if is_picture and is_done(int(camera), int(seq)):
                    with suppress(OSError):
                        Path(entry.path).unlink()

    def _path(self, camera: int, seq: int) -> Path:
        return self._folder / f"camera-{camera}" / f"{seq}{_SUFFIX}"

    def _settled_below(self, camera: int) -> int:
        content = self._read(self._folder / f"camera-{camera}" / _SETTLED)
        if content is None or len(content) != _MARK.size:
            return 0
        number, check = _MARK.unpack(content)
        return int(number) if zlib.crc32(content[:8]) == check else 0

    def _read(self, path: Path) -> bytes | None:
        """What stands in a regular file; None if there is none that can be read."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > self._max_bytes:
                return None
            try:
                return file.read()
            except OSError:
                return None


def _decode(content: bytes) -> SpooledPicture | None:
    """The picture of a file; None if it is damaged."""
    if len(content) < _HEADER.size:
        return None
    magic, encoding, height_px, width_px, check = _HEADER.unpack_from(content)
    data = content[_HEADER.size :]
    if magic != _MAGIC or encoding >= len(_ENCODINGS) or zlib.crc32(data) != check:
        return None
    return SpooledPicture(_ENCODINGS[encoding], height_px, width_px, data)


def _parts(frame_id: str) -> tuple[int, int]:
    """(camera, seq). Raises ValueError for what is no item's name: no other path is touched."""
    match = _FRAME_ID.fullmatch(frame_id)
    if match is None:
        raise ValueError(f"{frame_id!r} names no item")
    return cast(tuple[int, int], tuple(map(int, match.groups())))


def _charge(size: int) -> int:
    return max(_BLOCK_BYTES, size + _HEADER.size)


def _bytes_in(folder: Path) -> int:
    total = 0
    for entry in _entries(folder):
        if not entry.name.endswith(_SUFFIX):
            continue
        with suppress(OSError):
            total += max(_BLOCK_BYTES, entry.stat(follow_symlinks=False).st_size)
    return total


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
