"""Other views of a picture, and where in it an answer comes from."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from line.pictures import Picture
from workers.model import Model

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


CELLS = 10
"""Of the heat, each way."""
_PATCH_CELLS = 3
"""Of the grey patch, each way: a patch lies a third of its side beside the next."""
_BATCH = 8
_HEAT_PX = 320
"""Long side of the heat, whose shape is the picture's."""
_STOPS = (
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
)
"""From no drop to the greatest: part of matplotlib's inferno, which everybody tells apart."""
_MOST_OPAQUE = 0.9


def occlusion(model: Model, picture: Picture, winner: int) -> NDArray[np.float32]:
    """How far the probability of class `winner` falls when a place of the picture is covered.

    `picture`: uint8 [height, width, 3], best of the size that the model looks at, for it is copied
    dozens of times. Returns float32 [CELLS, CELLS], the mean over the patches that lie on a cell;
    negative where the winner is surer without it. Raises ModelError.
    """
    whole = model.classify(picture[None])[0, winner]
    steps = range(CELLS - _PATCH_CELLS + 1)
    places = [(row, column) for row in steps for column in steps]
    drops = np.zeros((CELLS, CELLS), np.float32)
    patches = np.zeros((CELLS, CELLS), np.float32)
    at_once = min(_BATCH, model.takes.batch or _BATCH)
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        left = model.classify(np.stack([_covered(picture, *place) for place in some]))[:, winner]
        for (row, column), probability in zip(some, left, strict=True):
            cells = np.s_[row : row + _PATCH_CELLS, column : column + _PATCH_CELLS]
            drops[cells] += whole - probability
            patches[cells] += 1
    return drops / patches


def heat_picture(drops: NDArray[np.float32], height_px: int, width_px: int) -> bytes:
    """A PNG to lay over a picture of that shape: the greater the drop, the lighter and denser."""
    greatest = drops.max()
    shares = np.clip(drops / greatest, 0, 1) if greatest > 0 else np.zeros_like(drops)
    scale = _HEAT_PX / max(height_px, width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    smooth = Image.fromarray(shares.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    levels = np.clip(np.asarray(smooth), 0, 1)
    at = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(levels, at, [stop[channel] for stop in _STOPS]) for channel in range(3)]
    alpha = 255 * _MOST_OPAQUE * levels
    buffer = io.BytesIO()
    Image.fromarray(np.stack([*channels, alpha], axis=2).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _covered(picture: Picture, row: int, column: int) -> Picture:
    height, width = picture.shape[:2]
    top, bottom = (height * (row + extra) // CELLS for extra in (0, _PATCH_CELLS))
    left, right = (width * (column + extra) // CELLS for extra in (0, _PATCH_CELLS))
    covered = picture.copy()
    covered[top:bottom, left:right] = GREY
    return covered
