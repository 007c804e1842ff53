"""Pictures stretched to the camera's size by a Lanczos filter, columns first, then rows.

These are Pillow's sums, which it does pixel by pixel, as products of matrices, which take about
half of its time. Weights and levels have so few digits that every sum is exact in float32: the
pixels are the same on every machine, whatever the order in which its library adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from line.pictures import Picture

_Levels = npt.NDArray[np.float32]

_LOBES = 3
_FINE = 4
"""Steps of a level that are kept between the two directions."""
_ACROSS = 1 << 15
_DOWN = _ACROSS // _FINE
"""A weight of 1, in the units that weights are rounded to. The weights of a pixel, their signs left
out, add up to less than 2. Twice the 255 levels is in such units, and for the second direction in
steps of a level, less than 2^24, up to which float32 has every whole number."""
_BLOCK_PX = 8
"""Pixels made by one product: with more of them more weights are 0, with fewer of them the products
are too small to be fast."""
_STRIP_VALUES = 1 << 18
"""Levels at a time: they stay in the cache."""
_LARGEST_SHRINK = 4.0
_LARGEST_PIXELS = 2_000_000
"""Beyond these Pillow is as fast, or takes less memory."""
_STEEPEST = 4 / 3
"""Beyond this Pillow narrows the rows first, which is not the same where levels are cut off."""


def stretched(picture: Picture, width_px: int, height_px: int) -> Picture:
    """The picture [height, width, 3] at another size; with Pillow's, equal but for rounding."""
    rows, columns, colours = picture.shape
    if _is_for_pillow(rows / height_px, columns / width_px, max(rows, height_px) * columns):
        fitted = Image.fromarray(picture).resize((width_px, height_px), Image.Resampling.LANCZOS)
        return np.array(fitted)
    narrow = np.empty((rows, width_px * colours), np.float32)
    strip = max(1, _STRIP_VALUES // (columns * colours))
    for top in range(0, rows, strip):
        levels = picture[top : top + strip].astype(np.float32).reshape(-1, columns * colours)
        made = narrow[top : top + strip]
        for block in _blocks(columns, width_px, colours, _ACROSS, _FINE):
            np.matmul(levels[:, block.taken], block.weights, out=made[:, block.made])
        _cut(made, 255 * _FINE)
    low = np.empty((height_px, width_px * colours), np.float32)
    for block in _blocks(rows, height_px, 1, _DOWN, 1 / _FINE):
        np.matmul(block.weights.T, narrow[block.taken], out=low[block.made])
    _cut(low, 255)
    return low.astype(np.uint8).reshape(height_px, width_px, colours)


def _is_for_pillow(shrink_down: float, shrink_across: float, pixels: int) -> bool:
    return (
        max(shrink_down, shrink_across) > _LARGEST_SHRINK
        or pixels > _LARGEST_PIXELS
        or shrink_down > _STEEPEST * shrink_across
    )


def _cut(levels: _Levels, most: int) -> None:
    """To whole numbers of 0 to `most`."""
    np.rint(levels, out=levels)
    np.clip(levels, 0, most, out=levels)


@dataclass(frozen=True, slots=True)
class _Block:
    """Some neighbouring pixels of the result along one direction."""

    made: slice
    taken: slice
    weights: _Levels
    """[taken, made]"""


@lru_cache(maxsize=64)
def _blocks(
    source_px: int, target_px: int, colours: int, one: int, scale: float
) -> tuple[_Block, ...]:
    """From `source_px` to `target_px` pixels; the colours of a pixel lie side by side.

    Weights are multiples of 1 / `one`, and then `scale` times as large.
    """
    weights = np.rint(_weights(source_px, target_px) * one) / one * scale
    blocks = []
    for first in range(0, target_px, _BLOCK_PX):
        made = slice(first, min(first + _BLOCK_PX, target_px))
        used = np.flatnonzero(weights[made].any(axis=0))
        taken = slice(int(used[0]), int(used[-1]) + 1)
        each = np.kron(weights[made, taken].T, np.eye(colours)).astype(np.float32)
        blocks.append(_Block(_times(made, colours), _times(taken, colours), each))
    return tuple(blocks)


def _times(pixels: slice, colours: int) -> slice:
    return slice(pixels.start * colours, pixels.stop * colours)


def _weights(source_px: int, target_px: int) -> npt.NDArray[np.float64]:
    """[target_px, source_px] of Lanczos, as wide as the picture shrinks."""
    shrink = source_px / target_px
    width = max(shrink, 1.0)
    middle = (np.arange(target_px) + 0.5) * shrink
    weights = np.zeros((target_px, source_px))
    for row, centre in zip(weights, middle, strict=True):
        first = max(0, math.floor(centre - _LOBES * width + 0.5))
        last = min(source_px, math.floor(centre + _LOBES * width + 0.5))
        x = (np.arange(first, last) + 0.5 - centre) / width
        lobes = np.where(np.abs(x) < _LOBES, np.sinc(x) * np.sinc(x / _LOBES), 0.0)
        row[first:last] = lobes / lobes.sum()
    return weights
