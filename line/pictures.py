"""Pictures as arrays (uint8 [height, width, 3], RGB), and their ways in and out of bytes."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from line.errors import PictureError
from line.messages import Buffer, Encoding
from line.own_file import open_regular

Picture = NDArray[np.uint8]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""File names that are taken for pictures, in lower case."""

_LONGEST_PATH = 400
"""Characters of a path that a reason repeats."""

_ORIENTATION = 0x0112
"""Number of the EXIF entry."""
_LYING = range(5, 9)
"""Its values that turn a picture by a quarter."""
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")

# A picture's size is judged here, from its header, and against a setting instead of a constant.
Image.MAX_IMAGE_PIXELS = None


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
    with _decoding("JPEG"), Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        if image.size != (width_px, height_px):
            raise PictureError(f"JPEG of {image.size}, expected {(width_px, height_px)} px")
        return np.asarray(image.convert("RGB"))


def size_px(path: Path, max_pixels: float, max_bytes: float = math.inf) -> tuple[int, int]:
    """Height and width of the picture in a file, upright, by its header. Raises PictureError."""
    name = _text(path)
    with (
        _file(path, max_bytes) as file,
        _opened(file, name, max_pixels) as image,
        _decoding(f"{name}:"),
    ):
        lies = image.getexif().get(_ORIENTATION, 1) in _LYING
        return (image.width, image.height) if lies else (image.height, image.width)


def read(path: Path, max_pixels: float, max_bytes: float = math.inf) -> Picture:
    """The picture in a file, upright (EXIF), as it is otherwise. Raises PictureError.

    Only a regular file is opened, or a link to one; a pipe or a device is refused without waiting.
    """
    with _file(path, max_bytes) as file:
        return _read(file, _text(path), max_pixels)


def read_content(content: bytes, name: str, max_pixels: float) -> Picture:
    """As `read`, of a picture file that was never on this disk; `name` stands in the reasons."""
    return _read(io.BytesIO(content), name, max_pixels)


def _read(file: BinaryIO, name: str, max_pixels: float) -> Picture:
    with _opened(file, name, max_pixels) as image, _decoding(f"{name}:"):
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):  # converted by Pillow, all above 255 were white
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return np.asarray(upright.convert("RGB"))


def _opened(file: BinaryIO, name: str, max_pixels: float) -> Any:
    with _decoding(f"{name}:"):
        try:
            image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:
            raise PictureError(f"{name}: not a picture") from None
    pixels = image.width * image.height
    if pixels > max_pixels:
        image.close()
        raise PictureError(
            f"{name}: {image.width}x{image.height} px is {pixels / 1e6:.0f} megapixels, "
            f"more than source.max_megapixels = {max_pixels / 1e6:g}"
        )
    return image


@contextmanager
def _decoding(subject: str) -> Iterator[None]:
    """Every error of a decoder is a bad picture.

    On files that are cut off or not what they seem Pillow raises whatever it comes upon:
    struct.error, TypeError, AttributeError …
    """
    try:
        yield
    except PictureError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{subject} cannot be read: {reason}") from None


@contextmanager
def _file(path: Path, max_bytes: float) -> Iterator[BinaryIO]:
    """Raises PictureError."""
    name = _text(path)
    with _decoding(f"{name}:"):
        file = os.fdopen(open_regular(path, follow_links=True), "rb")
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise PictureError(
                f"{name}: a file of {size / 1e6:.1f} MB, "
                f"more than source.max_file_mb = {max_bytes / 1e6:g}"
            )
        yield file


def _text(path: Path) -> str:
    """The path as text that can be sent: a file's name need not be UTF-8, and may be very long."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return text if len(text) <= _LONGEST_PATH else f"…{text[-_LONGEST_PATH:]}"
