"""An item's picture as it leaves the camera: packed, with its checksum, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from line import pictures
from line.errors import PictureError
from line.messages import Encoding
from line.plain_text import plain
from line.run_files.picture_statistics import PictureLevels
from line.settings import Settings
from producers.belt import BeltItem
from producers.picture_statistics import levels_of

_LONGEST_REASON = 600
"""Characters; a path may have 400 of them."""


@dataclass(frozen=True, slots=True)
class Shot:
    """An item's picture as it leaves the camera, or why there is none."""

    data: bytes
    encoding: Encoding
    height_px: int
    width_px: int
    crc32: int
    error: str = ""
    levels: PictureLevels = ()
    """what the picture is like; empty if nobody asked, or there is none"""


Take = Callable[[BeltItem], pictures.Picture | Shot]
"""Makes an item's picture, uint8 [height, width, 3], or the whole shot; raises PictureError."""


class ShotMaker:
    """From an item to its shot. The shot depends on the item alone, whoever makes it and when.

    A picture of more than `picture_bytes`, packed or unpacked, cannot be sent and is an error.
    """

    def __init__(
        self,
        take: Take,
        encoding: Encoding,
        jpeg_quality: int,
        picture_bytes: float = math.inf,
        *,
        is_measured: bool = False,
    ) -> None:
        """`is_measured`: shots say what their pictures are like."""
        self._take = take
        self._encoding = encoding
        self._jpeg_quality = jpeg_quality
        self._picture_bytes = picture_bytes
        self._is_measured = is_measured

    @classmethod
    def of(cls, take: Take, settings: Settings) -> ShotMaker:
        """As the settings describe the camera."""
        camera = settings.camera
        return cls(
            take,
            camera.encoding,
            camera.jpeg_quality,
            settings.message.picture_bytes,
            is_measured=settings.drift.enabled,
        )

    def __call__(self, item: BeltItem) -> Shot:
        try:
            taken = self._take(item)
        except PictureError as error:
            return without_picture(plain(str(error), _LONGEST_REASON))
        if isinstance(taken, Shot):
            return self._measured(taken)
        picture = np.ascontiguousarray(taken)
        height_px, width_px, _ = picture.shape
        data = pictures.encode(picture, self._encoding, self._jpeg_quality)
        if max(len(data), picture.nbytes) > self._picture_bytes:
            size = f"{width_px}x{height_px} px, {picture.nbytes / 1e6:.1f} MB"
            limit = f"message.picture_mb = {self._picture_bytes / 1e6:g}"
            return without_picture(f"a picture of {size}, more than {limit}")
        levels = levels_of(picture) if self._is_measured else ()
        crc32 = pictures.checksum(data)
        return Shot(data, self._encoding, height_px, width_px, crc32, levels=levels)

    def _measured(self, shot: Shot) -> Shot:
        """One that was recorded; a picture that cannot be unpacked is for a worker to refuse."""
        if not self._is_measured or shot.error:
            return shot
        try:
            picture = pictures.decode(shot.data, shot.encoding, shot.height_px, shot.width_px)
        except PictureError:
            return shot
        return replace(shot, levels=levels_of(picture))


def without_picture(error: str) -> Shot:
    """Of an item that cannot be photographed."""
    return Shot(b"", "raw", 0, 0, 0, error)
