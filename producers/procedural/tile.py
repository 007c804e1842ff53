"""The square an item is drawn on before it is laid on the belt.

Coordinates are tile units: the square is 100 by 100, whatever its pixels, with (50, 50) in the
middle, +x to the right and +y down. Two planes are kept apart: `colour` says what an item looks
like and `cover` how much of the belt it hides (0 nothing, 255 all). Parts add to both; marks change
only the colour, so a print that runs over the edge of its item is never seen there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from producers.procedural.palette import Colour

UNITS = 100.0
Points = npt.NDArray[np.float64] | Sequence[tuple[float, float]]
Box = tuple[float, float, float, float]


class Tile:
    """A drawing surface of `side_px` by `side_px`, at first empty.

    `backdrop` is the colour outside every part. It is never seen itself, but the smoothed rim of an
    item takes a trace of it, so it should be a darker shade of the item.
    """

    def __init__(self, side_px: int, backdrop: Colour) -> None:
        self.side_px = side_px
        self.colour = Image.new("RGB", (side_px, side_px), backdrop)
        self.cover = Image.new("L", (side_px, side_px), 0)
        self._scale = side_px / UNITS
        self._paint = ImageDraw.Draw(self.colour)
        self._hide = ImageDraw.Draw(self.cover)

    def part(self, outline: Points, colour: Colour, cover: int = 255) -> None:
        """Add a piece of the item: a filled outline that hides `cover` of the belt."""
        corners = self._pixels(outline)
        self._paint.polygon(corners, fill=colour)
        self._hide.polygon(corners, fill=cover)

    def rod(self, points: Points, colour: Colour, width: float, cover: int = 255) -> None:
        """Add a thin piece of the item along an open line."""
        corners = self._pixels(points)
        width_px = self._width_px(width)
        self._paint.line(corners, fill=colour, width=width_px, joint="curve")
        self._hide.line(corners, fill=cover, width=width_px, joint="curve")

    def mark(self, outline: Points, colour: Colour) -> None:
        """Colour a filled outline, wherever the item covers the belt."""
        self._paint.polygon(self._pixels(outline), fill=colour)

    def stroke(self, points: Points, colour: Colour, width: float) -> None:
        """Colour an open line, wherever the item covers the belt."""
        self._paint.line(self._pixels(points), fill=colour, width=self._width_px(width))

    def clear(self, outline: Points) -> None:
        """Cut a filled outline out of the item: the belt is seen through it."""
        self._hide.polygon(self._pixels(outline), fill=0)

    def stamp(self, mask: Image.Image, box: Box, colour: Colour) -> None:
        """Lay `colour` through an "L" mask stretched over `box` = (left, top, right, bottom)."""
        left, top, right, bottom = (round(edge * self._scale) for edge in box)
        size = (max(1, right - left), max(1, bottom - top))
        fitted = mask if mask.size == size else mask.resize(size, Image.Resampling.BILINEAR)
        self.colour.paste(colour, (left, top), fitted)

    def veil(
        self,
        layers: Sequence[tuple[Image.Image, Colour]],
        rng: np.random.Generator,
        bank_px: int,
    ) -> None:
        """Lay colours, each through its "L" mask, over all that has been drawn.

        The masks are square banks of one size, seen through the same window at a random place;
        `bank_px` of their pixels span the tile, so a smaller number enlarges the pattern.
        """
        extent = self.extent_px
        size = (extent[2] - extent[0], extent[3] - extent[1])
        width, height = (max(1, round(edge * bank_px / self.side_px)) for edge in size)
        left, top = (int(edge) for edge in rng.integers(0, layers[0][0].width - bank_px + 1, 2))
        for bank, colour in layers:
            mask = bank.crop((left, top, left + width, top + height))
            if mask.size != size:
                mask = mask.resize(size, Image.Resampling.BILINEAR)
            self.colour.paste(colour, extent[:2], mask)

    @property
    def extent_px(self) -> tuple[int, int, int, int]:
        """The pixels drawn on: (left, top, right, bottom); the whole tile while it is empty."""
        return self.cover.getbbox() or (0, 0, self.side_px, self.side_px)

    def _pixels(self, points: Points) -> list[float]:
        flat: list[float] = (np.asarray(points, dtype=np.float64) * self._scale).ravel().tolist()
        return flat

    def _width_px(self, width: float) -> int:
        return max(1, round(width * self._scale))
