"""Pictures as the line reads them, and what the pretrained weights were normalised by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pictures import picture_file
from training.errors import BadInput

Picture = NDArray[np.uint8]  # [height, width, 3]

# Mean and deviation of ImageNet's red, green and blue in 0…1: what the pretrained weights expect.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
MEAN_PIXEL = tuple(255 * mean for mean in MEAN)

LIMITS = picture_file.Limits(pixels=180e6, file_bytes=1e9)
"""More than any line can be set to accept."""


def open_picture(path: Path) -> Image.Image:
    """A picture file as the line reads it. Raises BadInput that names the file."""
    try:
        return Image.fromarray(picture_file.read(path, LIMITS))
    except picture_file.Unreadable as error:
        raise BadInput(f"{path}: {error}") from error


def check_picture(path: Path) -> None:
    """Raise BadInput unless the whole picture can be decoded."""
    open_picture(path)


def read_pixels(path: Path) -> Picture:
    """A picture at its own size, uint8 `[height, width, 3]`, writable."""
    return np.array(open_picture(path))
