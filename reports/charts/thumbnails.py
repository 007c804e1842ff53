"""Thumbnails of the least sure items, small enough to stand inside the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pictures.picture_file import Limits, Unreadable, read
from reports.review import QueuedItem

_SIDE_PX = 200
_LARGEST_BYTES = 12 * 1024
"""of one data URI, so that 24 stay below 300 KB"""
_LIMITS = Limits(pixels=100e6, file_bytes=400e6)
"""More than any picture of a camera."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A queued item and its picture as a JPEG data URI."""

    item: QueuedItem
    data_uri: str


def thumbnails(queue: Iterable[QueuedItem], most: int = 24) -> list[Thumbnail]:
    """Thumbnails of the first `most` items of `queue` whose picture can be read."""
    found: list[Thumbnail] = []
    for item in queue:
        data_uri = _data_uri(item.picture)
        if data_uri is not None:
            found.append(Thumbnail(item, data_uri))
        if len(found) == most:
            break
    return found


def _data_uri(path: Path) -> str | None:
    try:
        picture = read(path, _LIMITS)
    except Unreadable:
        return None
    return small_jpeg(Image.fromarray(picture))


def small_jpeg(picture: Image.Image) -> str | None:
    """An RGB picture as the data URI of a JPEG of a few kilobytes; None if it cannot be so small.

    The picture itself is made small on the way.
    """
    for side_px in (_SIDE_PX, _SIDE_PX // 2):
        picture.thumbnail((side_px, side_px))
        for quality in (85, 65, 45):
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True)
            data_uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
            if len(data_uri) <= _LARGEST_BYTES:
                return data_uri
    return None
