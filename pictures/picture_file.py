"""A picture file as an array, uint8 [height, width, 3], RGB, upright.

The rules for every file, whoever reads it:

format          JPEG, PNG, BMP, WebP, TIFF or PPM, told by the content and not by the name
orientation     as EXIF says; damaged EXIF that hides it: refused
colour profile  left out
grey            the same level thrice
16-bit grey     the high byte of a level, as decoders do for 16-bit colours: 0 is 0, 65535 is
                255. 12-bit TIFF likewise; where 0 is white it is turned round
32-bit, float,  refused: no level in them is known to be white
signed
1-bit           0 and 255
palette         its colours
alpha           left out: the colour below it, whatever the opacity
CMYK            converted without a profile
several frames  the first one
cut off         refused
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pictures.regular_file import open_regular

Picture = NDArray[np.uint8]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"})
"""File names that are taken for pictures, in lower case."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF")

_ORIENTATION = 0x0112
"""Number of the EXIF entry."""
_LYING = range(5, 9)
"""Its values that turn a picture by a quarter."""

_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
"""Numbers of TIFF entries."""
_WHITE_IS_ZERO = 0

# A picture's size is judged here, from its header, and against a setting instead of a constant.
Image.MAX_IMAGE_PIXELS = None


class Unreadable(Exception):
    """A file is no picture, is damaged or too large. The text says why, not which file."""


@dataclass(frozen=True)
class Limits:
    """The most that a file may be, judged before it is unpacked, and what reasons call it."""

    pixels: float
    file_bytes: float = math.inf
    megapixels_name: str = "the limit"
    file_mb_name: str = "the limit"


def read(path: Path, limits: Limits) -> Picture:
    """The picture in a file. Raises Unreadable.

    Only a regular file is opened, or a link to one; a pipe or a device is refused without waiting.
    """
    with _file(path, limits) as file:
        return _read(file, limits)


def read_content(content: bytes, limits: Limits) -> Picture:
    """As `read`, of a picture file that was never on this disk, whatever its length."""
    return _read(io.BytesIO(content), limits)


def size_px(path: Path, limits: Limits) -> tuple[int, int]:
    """Height and width of what `read` would give, by the file's header. Raises Unreadable."""
    with _file(path, limits) as file, _opened(file, limits) as image, decoding():
        width, height = image.size
        # Pillow tells a TIFF's size upright.
        lies = image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) in _LYING
        return (width, height) if lies else (height, width)


@contextmanager
def decoding() -> Iterator[None]:
    """Every error of a decoder is Unreadable.

    On files that are cut off or not what they seem Pillow raises whatever it comes upon:
    struct.error, TypeError, AttributeError …
    """
    try:
        yield
    except Unreadable:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise Unreadable(f"cannot be read: {reason}") from None


def _read(file: BinaryIO, limits: Limits) -> Picture:
    with _opened(file, limits) as image, decoding():
        if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
            return _from_deep_grey(image)
        if image.mode in ("I", "F"):
            raise Unreadable(
                "cannot be read: none of its levels is known as white (float, 32-bit, signed)"
            )
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode == "RGB":  # which Pillow would copy once more
            return np.asarray(image)
        image.info.pop("transparency", None)  # Pillow warns of what it then leaves out
        return np.asarray(image.convert("RGB"))


def _from_deep_grey(image: Image.Image) -> Picture:
    """Of levels of 16 bits, or 12 in a TIFF. Pillow's own conversion makes all above 255 white."""
    bits, white_is_zero = 16, False
    if image.format == "TIFF":
        entries = image.tag_v2  # type: ignore[attr-defined]
        bits = entries.get(_BITS_PER_SAMPLE, (16,))[0]
        white_is_zero = entries.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    levels = (np.asarray(ImageOps.exif_transpose(image)) >> (bits - 8)).astype(np.uint8)
    if white_is_zero:
        levels = 255 - levels
    return np.repeat(levels[..., None], 3, axis=-1)


@contextmanager
def _file(path: Path, limits: Limits) -> Iterator[BinaryIO]:
    """Raises Unreadable."""
    with decoding():
        file = os.fdopen(open_regular(path, follow_links=True), "rb")
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.file_bytes:
            raise Unreadable(
                f"a file of {size / 1e6:.1f} MB, "
                f"more than {limits.file_mb_name} = {limits.file_bytes / 1e6:g}"
            )
        yield file


def _opened(file: BinaryIO, limits: Limits) -> Image.Image:
    with decoding():
        try:
            image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:
            raise Unreadable("not a picture") from None
    pixels = image.width * image.height
    if pixels > limits.pixels:
        image.close()
        raise Unreadable(
            f"{image.width}x{image.height} px is {pixels / 1e6:.0f} megapixels, "
            f"more than {limits.megapixels_name} = {limits.pixels / 1e6:g}"
        )
    return image
