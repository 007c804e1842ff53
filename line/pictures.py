"""The line's pictures (uint8 [height, width, 3], RGB): their ways over the wire and out of files.

What a file shows is told in `pictures/picture_file.py`. Here every reason gets the file's name, and
a limit the name of its setting.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from isal import isal_zlib
from PIL import Image

from line.errors import PictureError
from line.messages import Buffer, Encoding
from pictures import picture_file
from pictures.picture_file import Limits, Picture, Unreadable, decoding

__all__ = ["Picture", "checksum", "decode", "encode", "read", "read_content", "size_px"]

_LONGEST_PATH = 400
"""Characters of a path that a reason repeats."""


def encode(picture: Picture, encoding: Encoding, jpeg_quality: int) -> bytes:
    """The bytes that travel: the array itself, or a JPEG of quality 1..100."""
    if encoding == "raw":
        return picture.tobytes()
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=jpeg_quality)
    return buffer.getvalue()


def decode(data: Buffer, encoding: Encoding, height_px: int, width_px: int) -> Picture:
    """Inverse of `encode`; a raw picture is a view of `data`. Raises PictureError."""
    if encoding == "raw":
        levels = np.frombuffer(data, np.uint8)
        if levels.size != height_px * width_px * 3:
            raise PictureError(f"{levels.size} bytes instead of {width_px}x{height_px} raw pixels")
        return levels.reshape(height_px, width_px, 3)
    with _about("JPEG"), decoding(), Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        if image.size != (width_px, height_px):
            raise Unreadable(f"of {image.size}, expected {(width_px, height_px)} px")
        return np.asarray(image.convert("RGB"))


def checksum(data: Buffer) -> int:
    """CRC-32 of a picture's bytes, as `zlib.crc32` has it, in a tenth of its time."""
    return isal_zlib.crc32(data)


def size_px(path: Path, max_pixels: float, max_bytes: float = math.inf) -> tuple[int, int]:
    """Height and width of the picture in a file, upright, by its header. Raises PictureError."""
    with _about(f"{_text(path)}:"):
        return picture_file.size_px(path, _limits(max_pixels, max_bytes))


def read(path: Path, max_pixels: float, max_bytes: float = math.inf) -> Picture:
    """The picture in a regular file, upright. Raises PictureError that names it."""
    with _about(f"{_text(path)}:"):
        return picture_file.read(path, _limits(max_pixels, max_bytes))


def read_content(content: bytes, name: str, max_pixels: float) -> Picture:
    """As `read`, of a picture file that was never on this disk; `name` stands in the reasons."""
    with _about(f"{name}:"):
        return picture_file.read_content(content, _limits(max_pixels))


def _limits(max_pixels: float, max_bytes: float = math.inf) -> Limits:
    return Limits(max_pixels, max_bytes, "source.max_megapixels", "source.max_file_mb")


@contextmanager
def _about(subject: str) -> Iterator[None]:
    """What is unreadable is the line's PictureError about `subject`."""
    try:
        yield
    except Unreadable as error:
        raise PictureError(f"{subject} {error}") from None


def _text(path: Path) -> str:
    """The path as text that can be sent: a file's name need not be UTF-8, and may be very long."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return text if len(text) <= _LONGEST_PATH else f"…{text[-_LONGEST_PATH:]}"
