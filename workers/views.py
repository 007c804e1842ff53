"""Other views of a picture (uint8 [height, width, 3]) that a model can be asked about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from line.pictures import Picture

GREY = 128
"""Level of what is padded and what is covered."""
_LONG_SIDE_PX = 896
"""Of a letterboxed picture: several times what models look at, and enough to be shown."""


def flips(picture: Picture) -> Iterator[Picture]:
    """The picture, mirrored, upside down, and both: an item on a belt has no right way up."""
    for view in (picture, picture[:, ::-1], picture[::-1], picture[::-1, ::-1]):
        yield np.ascontiguousarray(view)


def letterboxed(picture: Picture, size_px: tuple[int, int]) -> Picture:
    """The whole picture within a grey frame of the shape of `size_px` (height, width)."""
    height, width = (round(side * _LONG_SIDE_PX / max(size_px)) for side in size_px)
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inside = [max(1, round(side * scale)) for side in picture.shape[:2]]
    top, left = (height - inside[0]) // 2, (width - inside[1]) // 2
    frame = np.full((height, width, 3), GREY, np.uint8)
    frame[top : top + inside[0], left : left + inside[1]] = resized(picture, inside[0], inside[1])
    return frame


def within(picture: Picture, long_side_px: int) -> Picture:
    """The picture, made smaller where its long side is longer than that."""
    height, width = picture.shape[:2]
    scale = long_side_px / max(height, width)
    if scale >= 1:
        return picture
    return resized(picture, max(1, round(height * scale)), max(1, round(width * scale)))


def resized(picture: Picture, height_px: int, width_px: int) -> Picture:
    """The picture stretched to a size, as the models' own graphs do it."""
    image = Image.fromarray(picture).resize((width_px, height_px), Image.Resampling.BILINEAR)
    return np.asarray(image)
