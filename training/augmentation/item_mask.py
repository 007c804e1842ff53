"""Which pixels of a photograph show the item, where it lies before a plain background.

The background is a smooth surface of second order, fitted to the pixels near the edges that agree
with it. What differs from it in colour or light, or has texture, is item. Shadows differ in light
alone, and count less.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE_PX = 128
"""At which it is looked for."""
EDGE_SHARE = 0.07
ROUNDS = 4
LEAST_OF_EDGE = 0.3
"""Share of the edge that must be background."""
LIGHT, COLOUR, TEXTURE = 0.6, 1.5, 1.0
LEAST_DIFFERENCE = 14.0
"""Grey levels, weighted as above."""
AREA = (0.05, 0.85)
"""Shares of the picture that an item may cover; beyond them something else was found."""
MOST_OF_EDGE = 0.45
SMALLEST_PART = 0.15
"""Of the largest part's area."""


def item_mask(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """How much of each pixel is item: uint8 `[h, w, 3]` → uint8 `[h, w]`, soft at the edge.

    None where no plain background is found, or what lies before it is too small or too large.
    """
    height, width, _ = picture.shape
    small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    found = _found(np.asarray(small, np.float32))
    if found is None:
        return None
    soft = ndimage.gaussian_filter(ndimage.binary_erosion(found).astype(np.float32), 0.7)
    mask = Image.fromarray((255 * soft).astype(np.uint8))
    return np.asarray(mask.resize((width, height), Image.Resampling.BILINEAR))


def _found(picture: Floats) -> Mask | None:
    fitted = _background(picture)
    if fitted is None:
        return None
    background, surely = fitted
    differs = _difference(picture, background)
    limit = max(LEAST_DIFFERENCE, 4 * float(np.median(differs[surely])))
    mask = ndimage.binary_closing(differs > limit, iterations=2)
    mask = ndimage.binary_opening(ndimage.binary_fill_holes(mask))
    mask = _large_parts(mask)
    if not AREA[0] < mask.mean() < AREA[1] or mask[_edge()].mean() > MOST_OF_EDGE:
        return None
    return mask


def _background(picture: Floats) -> tuple[Floats, Mask] | None:
    """The surface, and which pixels of the edge agree with it; None if too few do."""
    powers, edge = _powers(), _edge()
    agrees = edge
    for _ in range(ROUNDS):
        weights, *_ = np.linalg.lstsq(powers[agrees], picture[agrees], rcond=None)
        surface = powers @ weights
        apart = np.abs(picture - surface).max(axis=-1)
        agrees = edge & (apart < max(8.0, 2.5 * float(np.median(apart[agrees]))))
        if agrees.sum() < LEAST_OF_EDGE * edge.sum():
            return None
    return surface.astype(np.float32), agrees


def _difference(picture: Floats, background: Floats) -> Floats:
    apart = picture - background
    light = apart.mean(axis=-1)
    colour = np.linalg.norm(apart - light[..., None], axis=-1)
    texture = ndimage.gaussian_gradient_magnitude(picture.mean(axis=-1), 1.0)
    weighted: Floats = np.hypot(LIGHT * light, COLOUR * colour) + TEXTURE * texture
    return weighted


def _large_parts(mask: Mask) -> Mask:
    parts, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    large = np.flatnonzero(sizes >= SMALLEST_PART * sizes.max()) + 1
    return np.isin(parts, large)


@lru_cache(maxsize=1)
def _powers() -> Floats:
    """1, x, y, x², xy, y² of each pixel, float32 `[side, side, 6]`; x and y from -1 to 1."""
    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


@lru_cache(maxsize=1)
def _edge() -> Mask:
    edge = np.ones((SIDE_PX, SIDE_PX), bool)
    inside = slice(round(EDGE_SHARE * SIDE_PX), -round(EDGE_SHARE * SIDE_PX))
    edge[inside, inside] = False
    return edge
