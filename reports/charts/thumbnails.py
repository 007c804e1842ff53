"""Thumbnails of the least sure items, small enough to stand inside the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pictures.picture_file import Limits, Unreadable, read
from reports.review import QueuedItem

_SIDE_PX = 200
_LARGEST_BYTES = 12 * 1024
"""of one data URI, so that 24 stay below 300 KB"""
_LIMITS = Limits(pixels=100e6, file_bytes=400e6)
"""More than any picture of a camera."""


@dataclass(frozen=True, slots=True)
class LeastSure:
    """An item; `data_uri`: its picture as a JPEG, None where none can be read or was kept."""

    frame_id: str
    predicted_class: str
    confidence: float
    truth: str | None
    data_uri: str | None


def least_sure(rows: Iterable[Mapping[str, Any]], queue: Iterable[QueuedItem]) -> list[LeastSure]:
    """Of rows of results.csv, with the pictures of those that are in the review queue."""
    pictures = {item.frame_id: item.picture for item in queue}
    return [
        LeastSure(
            frame_id=str(row["frame_id"]),
            predicted_class=str(row["predicted_class"]),
            confidence=float(row["confidence"]),
            truth=str(row["true_class"]) if isinstance(row["true_class"], str) else None,
            data_uri=_data_uri(pictures[name])
            if (name := str(row["frame_id"])) in pictures
            else None,
        )
        for row in rows
    ]


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
