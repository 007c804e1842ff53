"""What is remembered of a picture: enough to find it again, in a few hundred bytes."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.errors import BadInput
from training.pictures import open_picture

SIDE_PX = 32


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 of file and pixels, size (height, width), and grey uint8 `[SIDE_PX, SIDE_PX]`.

    `complaint` is what the decoder had to say about a file that it could read, or "".
    """

    file_hash: bytes
    pixel_hash: bytes
    size_px: tuple[int, int]
    thumbnail: NDArray[np.uint8]
    complaint: str


def fingerprint(path: Path) -> Fingerprint:
    """Read a picture whole. Raises BadInput that names the file if it cannot be decoded."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        picture = open_picture(path)
    # The size belongs to the hash: two plain pictures may differ in nothing else.
    pixels = hashlib.sha256(repr(picture.size).encode())
    pixels.update(picture.tobytes())
    grey = picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return Fingerprint(
        _file_hash(path),
        pixels.digest(),
        (picture.height, picture.width),
        np.array(grey),
        str(complaints[0].message).strip() if complaints else "",
    )


def _file_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:  # it went away since it was decoded
        raise BadInput(f"{path}: not a readable picture: {error}") from error
