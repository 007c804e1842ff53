"""Pictures taken ahead of time, so that a trigger costs microseconds.

A real camera exposes in a millisecond; drawing or reading a picture takes several. The studio does
it in a thread while the item still rides towards the photo-eye. The picture depends on the item
alone, so nobody can tell when it was made.
"""

from __future__ import annotations

import math
import socket
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from line import pictures
from line.errors import PictureError
from line.messages import Encoding
from line.plain_text import plain
from line.process.priority import yield_thread
from producers.belt import BeltItem


@dataclass(frozen=True, slots=True)
class Shot:
    """An item's picture as it leaves the camera, or why there is none."""

    data: bytes
    encoding: Encoding
    height_px: int
    width_px: int
    crc32: int
    error: str = ""


Take = Callable[[BeltItem], pictures.Picture | Shot]
"""Makes an item's picture, uint8 [height, width, 3], or the whole shot; raises PictureError."""

_LONGEST_REASON = 600
"""Characters; a path may have 400 of them."""
OVERLOOKED_MOST = 64
"""Items at a time whose pictures are taken only to be kept; what comes on top is not kept."""


class Archive(Protocol):
    """Where shots are kept; called from the studio's thread alone."""

    @property
    def ended(self) -> str:
        """Why nothing more is kept; empty while it is."""

    def keep(self, item: BeltItem, shot: Shot) -> None:
        """Have the shot of an item that passed the photo-eye survive this process."""


class Studio:
    """Takes pictures in a thread. Context manager: owns the thread and a wake-up socket."""

    def __init__(
        self,
        take: Take,
        encoding: Encoding,
        jpeg_quality: int,
        *,
        nice: int = 0,
        picture_bytes: float = math.inf,
        archive: Archive | None = None,
    ) -> None:
        """`nice`: how far the thread yields the processor to the camera's own.

        A picture of more than `picture_bytes`, packed or unpacked, cannot be sent and is an error.
        A shot is in the `archive` before it is finished.
        """
        self._take = take
        self._encoding = encoding
        self._jpeg_quality = jpeg_quality
        self._picture_bytes = picture_bytes
        self._archive = archive
        self._overlooked: deque[Future[Shot]] = deque()
        self._shots: dict[int, Future[Shot]] = {}
        self._thread = ThreadPoolExecutor(1, "studio", yield_thread, (nice,))
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=self._archive is None)
        self._wake_reader.close()
        self._wake_writer.close()

    @property
    def ahead(self) -> int:
        """Pictures begun for items that have not reached the photo-eye."""
        return len(self._shots)

    @property
    def archive_ended(self) -> str:
        """Why nothing more is kept, if anything was to be."""
        return "" if self._archive is None else self._archive.ended

    def fileno(self) -> int:
        """Readable when a picture has been finished since `settle` was last called."""
        return self._wake_reader.fileno()

    def settle(self) -> None:
        """Take note of finished pictures: `fileno` is no longer readable."""
        try:
            while self._wake_reader.recv(4096):
                pass
        except BlockingIOError:
            pass

    def begin(self, item: BeltItem) -> None:
        """Start on the picture of an item that has just been fed."""
        self._shots[item.seq] = self._start(item)

    def expose(self, item: BeltItem) -> Future[Shot]:
        """The picture of an item at the photo-eye; perhaps not finished yet."""
        shot = self._shots.pop(item.seq, None) or self._start(item)
        return shot if self._archive is None else self._submit(self._kept, item, shot)

    def discard(self, item: BeltItem) -> None:
        """The item passes without a picture."""
        shot = self._shots.pop(item.seq, None)
        if shot is not None:
            shot.cancel()

    def overlook(self, item: BeltItem, *, is_reproducible: bool) -> None:
        """The item passes unseen; it is kept all the same, with its picture if there can be one."""
        while self._overlooked and self._overlooked[0].done():
            self._overlooked.popleft()
        if self._archive is None or len(self._overlooked) >= OVERLOOKED_MOST:
            self.discard(item)
        elif is_reproducible:
            self._overlooked.append(self.expose(item))
        else:
            unseen = without_picture("no picture was recorded: the item passed unseen")
            self._overlooked.append(self._submit(self._kept, item, unseen))

    def _start(self, item: BeltItem) -> Future[Shot]:
        if self._archive is None:
            return self._submit(self._shoot, item)
        return self._thread.submit(self._shoot, item)  # nobody waits for it before it is kept

    def _submit(self, make: Callable[..., Shot], *arguments: object) -> Future[Shot]:
        future = self._thread.submit(make, *arguments)
        future.add_done_callback(self._wake)
        return future

    def _kept(self, item: BeltItem, shot: Shot | Future[Shot]) -> Shot:
        assert self._archive is not None
        taken = shot if isinstance(shot, Shot) else shot.result()  # the thread's turn came before
        self._archive.keep(item, taken)
        return taken

    def _wake(self, _: Future[Shot]) -> None:
        with suppress(OSError):  # full: it is readable anyway; closed: nobody waits any more
            self._wake_writer.send(b"!")

    def _shoot(self, item: BeltItem) -> Shot:
        try:
            taken = self._take(item)
        except PictureError as error:
            return without_picture(plain(str(error), _LONGEST_REASON))
        if isinstance(taken, Shot):
            return taken
        picture = np.ascontiguousarray(taken)
        height_px, width_px, _ = picture.shape
        data = pictures.encode(picture, self._encoding, self._jpeg_quality)
        if max(len(data), picture.nbytes) > self._picture_bytes:
            size = f"{width_px}x{height_px} px, {picture.nbytes / 1e6:.1f} MB"
            limit = f"message.picture_mb = {self._picture_bytes / 1e6:g}"
            return without_picture(f"a picture of {size}, more than {limit}")
        return Shot(data, self._encoding, height_px, width_px, zlib.crc32(data))


def without_picture(error: str) -> Shot:
    """Of an item that cannot be photographed."""
    return Shot(b"", "raw", 0, 0, 0, error)
