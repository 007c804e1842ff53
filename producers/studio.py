"""Pictures taken ahead of time, so that a trigger costs microseconds.

A real camera exposes in a millisecond; drawing or reading a picture takes several. The studio does
it in a thread while the item still rides towards the photo-eye. The picture depends on the item
alone, so nobody can tell when it was made.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import numpy as np

from line import pictures
from line.errors import PictureError
from line.messages import Encoding
from producers.belt import BeltItem

Take = Callable[[BeltItem], pictures.Picture]
"""Makes an item's picture, uint8 [height, width, 3]; raises PictureError."""


@dataclass(frozen=True, slots=True)
class Shot:
    """An item's picture as it leaves the camera, or why there is none."""

    data: bytes
    encoding: Encoding
    height_px: int
    width_px: int
    crc32: int
    error: str = ""


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
    ) -> None:
        """`nice`: how far the thread yields the processor to the camera's own.

        A picture of more than `picture_bytes`, packed or unpacked, cannot be sent and is an error.
        """
        self._take = take
        self._encoding = encoding
        self._jpeg_quality = jpeg_quality
        self._picture_bytes = picture_bytes
        self._shots: dict[int, Future[Shot]] = {}
        self._thread = ThreadPoolExecutor(1, "studio", _yield_processor, (nice,))
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._wake_reader.close()
        self._wake_writer.close()

    @property
    def ahead(self) -> int:
        """Pictures begun for items that have not reached the photo-eye."""
        return len(self._shots)

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
        self._shots[item.seq] = self._submit(item)

    def expose(self, item: BeltItem) -> Future[Shot]:
        """The picture of an item at the photo-eye; perhaps not finished yet."""
        return self._shots.pop(item.seq, None) or self._submit(item)

    def discard(self, item: BeltItem) -> None:
        """The item passes without a picture."""
        shot = self._shots.pop(item.seq, None)
        if shot is not None:
            shot.cancel()

    def _submit(self, item: BeltItem) -> Future[Shot]:
        future = self._thread.submit(self._shoot, item)
        future.add_done_callback(self._wake)
        return future

    def _wake(self, _: Future[Shot]) -> None:
        with suppress(OSError):  # full: it is readable anyway; closed: nobody waits any more
            self._wake_writer.send(b"!")

    def _shoot(self, item: BeltItem) -> Shot:
        try:
            picture = np.ascontiguousarray(self._take(item))
        except PictureError as error:
            return _without_picture(str(error))
        height_px, width_px, _ = picture.shape
        data = pictures.encode(picture, self._encoding, self._jpeg_quality)
        if max(len(data), picture.nbytes) > self._picture_bytes:
            size = f"{width_px}x{height_px} px, {picture.nbytes / 1e6:.1f} MB"
            limit = f"message.picture_mb = {self._picture_bytes / 1e6:g}"
            return _without_picture(f"a picture of {size}, more than {limit}")
        return Shot(data, self._encoding, height_px, width_px, zlib.crc32(data))


def _without_picture(error: str) -> Shot:
    return Shot(b"", "raw", 0, 0, 0, error)


def _yield_processor(nice: int) -> None:
    """Linux has a priority for each thread; elsewhere this would change the whole process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
