"""One item on the belt, seen from above."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from line.errors import BadInput
from line.pictures import Picture
from producers.procedural import (
    belt,
    cardboard,
    glass,
    lettering,
    metal,
    paper,
    plastic,
    texture,
    trash,
)
from producers.procedural.palette import BLACK
from producers.procedural.tile import Tile

_Artist = Callable[[np.random.Generator, int], Tile]
_ARTISTS: Mapping[str, _Artist] = {
    "cardboard": cardboard.draw,
    "glass": glass.draw,
    "metal": metal.draw,
    "paper": paper.draw,
    "plastic": plastic.draw,
    "trash": trash.draw,
}
CLASSES: tuple[str, ...] = tuple(_ARTISTS)

_TILE_PER_PICTURE = 1.5  # tile side over the picture's shorter side: finer than it is shown
_SHADOW_SHARE = 0.62
_SHADOW_GRAIN_PX = 4
_FAINTER = [round(level * _SHADOW_SHARE) for level in range(256)]


def draw(material: str, rng: np.random.Generator, width_px: int, height_px: int) -> Picture:
    """A picture [height_px, width_px, 3] (RGB) of one item of `material` on a conveyor belt.

    A function of the generator's state alone: shape, pose, wear and stretch of belt all come from
    `rng`, and nothing is kept between calls but textures with fixed seeds. Raises BadInput for a
    material that is not in CLASSES.
    """
    artist = _ARTISTS.get(material)
    if artist is None:
        raise BadInput(f"material {material!r}: must be one of {', '.join(CLASSES)}")
    shorter_px = min(width_px, height_px)
    tile = artist(rng, round(shorter_px * _TILE_PER_PICTURE))
    texture.soil(tile, rng, int(rng.integers(0, 3)))
    picture = belt.stretch(rng, width_px, height_px)
    _lay(tile, picture, rng)
    return np.array(picture)


def prepare(width_px: int, height_px: int) -> None:
    """Make what is made once per process, about half a second's work, before the belt runs."""
    belt.prepare(width_px, height_px)
    texture.prepare()
    lettering.prepare()


def _lay(tile: Tile, picture: Image.Image, rng: np.random.Generator) -> None:
    """Turn, size and place the item at random, mostly in view, and cast its shadow."""
    width_px, height_px = picture.size
    span_px = min(width_px, height_px) * rng.uniform(0.95, 1.2)
    angle = rng.uniform(0.0, 2 * math.pi)
    centre_x = width_px * (0.5 + rng.uniform(-0.12, 0.12))
    centre_y = height_px * (0.5 + rng.uniform(-0.05, 0.05))
    reach_px = max(2, round(span_px * rng.uniform(0.012, 0.035)))
    pose = _Pose(centre_x, centre_y, tile.side_px / span_px, angle)
    # Only the part of the picture that the item touches is worked on: turning is the dear step.
    region = pose.region_px(tile, picture.size)
    corner, size = region[:2], (region[2] - region[0], region[3] - region[1])
    back = pose.back(tile, corner)
    colour = tile.colour.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    cover = tile.cover.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    _shade(picture, cover, corner, reach_px)
    picture.paste(colour, corner, cover)


@dataclass(frozen=True, slots=True)
class _Pose:
    """Where the middle of a tile lies in the picture, and how the tile is shrunk and turned."""

    centre_x_px: float
    centre_y_px: float
    shrink: float  # tile pixels to a picture pixel
    angle: float

    def back(self, tile: Tile, corner_px: tuple[int, int]) -> tuple[float, ...]:
        """Pillow's affine map from a region of the picture, given its corner, to the tile."""
        cosine = self.shrink * math.cos(self.angle)
        sine = self.shrink * math.sin(self.angle)
        across, down = self.centre_x_px - corner_px[0], self.centre_y_px - corner_px[1]
        middle = tile.side_px / 2
        origin_x = middle - cosine * across - sine * down
        origin_y = middle + sine * across - cosine * down
        return (cosine, sine, origin_x, -sine, cosine, origin_y)

    def region_px(self, tile: Tile, size_px: tuple[int, int]) -> tuple[int, int, int, int]:
        """The upright box (left, top, right, bottom) round the item, inside the picture."""
        left, top, right, bottom = tile.extent_px
        middle = tile.side_px / 2
        x = np.array([left, right, right, left]) - middle
        y = np.array([top, top, bottom, bottom]) - middle
        cosine, sine = math.cos(self.angle) / self.shrink, math.sin(self.angle) / self.shrink
        across = self.centre_x_px + cosine * x - sine * y
        down = self.centre_y_px + sine * x + cosine * y
        return (
            max(0, math.floor(across.min())),
            max(0, math.floor(down.min())),
            min(size_px[0], math.ceil(across.max())),
            min(size_px[1], math.ceil(down.max())),
        )


def _shade(
    picture: Image.Image, cover: Image.Image, corner_px: tuple[int, int], reach_px: int
) -> None:
    """A soft shadow towards the lower right; blurred small, for a blur at full size is slow."""
    blur = max(1, round(reach_px / _SHADOW_GRAIN_PX))
    small = cover.reduce(_SHADOW_GRAIN_PX).point(_FAINTER)
    spread = ImageOps.expand(small, border=blur).filter(ImageFilter.BoxBlur(blur))
    margin_px = blur * _SHADOW_GRAIN_PX
    place = (corner_px[0] + reach_px - margin_px, corner_px[1] + reach_px - margin_px)
    size = (cover.width + 2 * margin_px, cover.height + 2 * margin_px)
    picture.paste(BLACK, place, spread.resize(size, Image.Resampling.BILINEAR))
