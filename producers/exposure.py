"""The arithmetic of an exposure: a picture smeared, dimmed and grained, a few rows at a time.

Rows are taken in strips that stay in the processor's cache: a pass over a whole picture costs more
in memory than in arithmetic.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from line.pictures import Picture

_Levels = npt.NDArray[np.float32]

_BANK_VALUES = 1 << 20
_STRIP_VALUES = 1 << 17
_WHITE_LEVEL = 255
_HALF = np.float32(0.5)
"""Added before the conversion to whole levels, which cuts off: together they round."""
_SHORT_PX = 8.0
"""A smear of more pixels is left to Pillow, whose time does not grow with its length; it rounds to
whole levels before there is light."""


def exposed(
    picture: Picture,
    smear_px: float,
    level: float,
    vignetting: float,
    noise: float,
    rng: np.random.Generator,
) -> Picture:
    """The picture [height, width, 3] after a way of `smear_px` under a light of `level`.

    `vignetting`: share of the light lost in the corners. `noise`: standard deviation, grey levels.
    """
    if smear_px > _SHORT_PX:
        picture, smear_px = _smeared_far(picture, smear_px), 1.0
    height_px, width_px, colours = picture.shape
    share = np.float32(level / max(1.0, smear_px))
    across, down = (loss * share for loss in _lens(height_px, width_px, colours, vignetting))
    grain = _Grain(noise, rng)
    seen = np.empty(picture.shape, np.uint8)
    rows = max(1, _STRIP_VALUES // (width_px * colours))
    for top in range(0, height_px, rows):
        sums = _sums(picture[top : top + rows], smear_px)
        light = sums * (across - down[top : top + rows] if vignetting > 0.0 else share)
        light += grain.next(light.size).reshape(light.shape)
        np.clip(light, 0, _WHITE_LEVEL, out=light)
        strip = seen[top : top + rows].reshape(light.shape)
        np.copyto(strip, light, casting="unsafe")
    return seen


def _sums(strip: Picture, length_px: float) -> _Levels:
    """A running sum of so many pixels along x, [rows, width * 3].

    A smear of up to one pixel cannot be told from none. Beyond the rim is the rim's pixel.
    """
    rows, width_px, colours = strip.shape
    if length_px <= 1.0:
        return strip.reshape(rows, -1).astype(np.float32)
    # So many pixels are `whole` of them to either side, and a part of the next.
    whole, part = divmod((length_px - 1.0) / 2.0, 1.0)
    margin = int(whole) + 1
    wide = np.empty((rows, width_px + 2 * margin, colours), np.float32)
    wide[:, margin:-margin] = strip
    wide[:, :margin] = wide[:, margin : margin + 1]
    wide[:, -margin:] = wide[:, -margin - 1 : -margin]
    # In one dimension, which is twice as fast; what runs over from row to row is cut off below.
    flat = wide.reshape(-1)
    last = 2 * margin * colours
    count = flat.size - last
    wide_sums = np.empty((rows, wide[0].size), np.float32)
    sums = wide_sums.reshape(-1)[:count]
    np.add(flat[:count], flat[last:], out=sums)
    sums *= np.float32(part)
    for begin in range(colours, last, colours):
        sums += flat[begin : begin + count]
    return wide_sums[:, : width_px * colours]


def _smeared_far(picture: Picture, length_px: float) -> Picture:
    image = Image.fromarray(picture)
    return np.array(image.filter(ImageFilter.BoxBlur(((length_px - 1.0) / 2.0, 0.0))))


@lru_cache(maxsize=8)
def _lens(
    height_px: int, width_px: int, colours: int, vignetting: float
) -> tuple[_Levels, _Levels]:
    """The share of light the lens lets through, 1 in the middle: the first less the second.

    The loss grows with the square of the distance from the middle and reaches `vignetting` in the
    corners. The first is [width * 3], the second [height, 1].
    """
    x = np.repeat(np.linspace(-1.0, 1.0, width_px), colours)
    y = np.linspace(-1.0, 1.0, height_px)[:, None]
    across, down = 1.0 - vignetting * x * x / 2.0, vignetting * y * y / 2.0
    return across.astype(np.float32), down.astype(np.float32)


class _Grain:
    """Normal deviates of one strength, plus a half, from a random place in a fixed bank.

    Drawing 230,400 fresh deviates for a 320 x 240 picture takes longer than drawing its item. Two
    pictures may so share a grain, shifted; no classifier looks for that.
    """

    def __init__(self, noise: float, rng: np.random.Generator) -> None:
        """Takes a number from `rng` if there is any noise."""
        self._bank = _bank(noise) if noise > 0.0 else None
        self._place = int(rng.integers(0, _BANK_VALUES)) if noise > 0.0 else 0

    def next(self, count: int) -> _Levels:
        """The next `count` of them, round and round."""
        if self._bank is None:
            return np.broadcast_to(_HALF, count)
        first, self._place = self._place, (self._place + count) % _BANK_VALUES
        if first + count <= _BANK_VALUES:
            return self._bank[first : first + count]
        return np.take(self._bank, np.arange(first, first + count), mode="wrap")


@lru_cache(maxsize=2)
def _bank(noise: float) -> _Levels:
    words = np.random.SeedSequence([20_240_229, 7])
    deviates = np.random.default_rng(words).standard_normal(_BANK_VALUES, dtype=np.float32)
    return deviates * np.float32(noise) + _HALF
