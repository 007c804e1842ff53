"""Surface detail: large masks made once per process, of which each item takes a random window.

Every bank is made from a fixed seed of its own, so its pixels do not depend on what was drawn
before. A mask is an "L" image: how strongly a shade is laid on at each pixel.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from producers.procedural.palette import Colour
from producers.procedural.tile import Tile

BANK_PX = 512
_FACET_PX = 22
_SHADOW: Colour = (10, 10, 14)
_LIGHT: Colour = (255, 255, 255)
_DIRT: Colour = (48, 38, 28)
_Field = npt.NDArray[np.float64]


def crumple(tile: Tile, rng: np.random.Generator, window_px: int, strength: float) -> None:
    """Fold the whole item into facets; a small window gives few large ones, up to BANK_PX many."""
    dark, light = _facets(round(strength * 10))
    tile.veil([(dark, _SHADOW), (light, _LIGHT)], rng, window_px)


def soil(tile: Tile, rng: np.random.Generator, level: int) -> None:
    """Dirt in smudges and specks over the whole item; `level` 0 (none) to 4 (filthy)."""
    if level > 0:
        tile.veil([(_grime(level), _DIRT)], rng, _natural_px(tile))


def brush(tile: Tile, rng: np.random.Generator, strength: int) -> None:
    """Fine dark streaks along x: rolled metal, worn varnish; `strength` 1 to 4."""
    tile.veil([(_streaks(strength), _SHADOW)], rng, _natural_px(tile))


def speckle(tile: Tile, rng: np.random.Generator) -> None:
    """The short dark fibres of board and recycled paper."""
    tile.veil([(_fibres(), _SHADOW)], rng, _natural_px(tile))


def prepare() -> None:
    """Make the banks that take longest, which the first items would else wait for."""
    _folds()
    _streaks(2)
    _fibres()
    for level in (1, 2, 3):
        _grime(level)


def smooth_noise(rng: np.random.Generator, width_px: int, height_px: int, cells: int) -> _Field:
    """A field [height_px, width_px] of about -1 to 1 with `cells` swells along its longer side."""
    longer = max(width_px, height_px)
    coarse = rng.uniform(
        -1.0,
        1.0,
        (max(2, cells * height_px // longer), max(2, cells * width_px // longer)),
    )
    image = Image.fromarray(coarse.astype(np.float32))
    swollen = image.resize((width_px, height_px), Image.Resampling.BICUBIC)
    return np.asarray(swollen, dtype=np.float64)


def _natural_px(tile: Tile) -> int:
    """Bank pixels across the tile for a pattern shown at its own size, as far as the bank goes."""
    return min(tile.side_px, BANK_PX)


def _mask(field: _Field) -> Image.Image:
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))


def _bank_rng(number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([20_240_229, number]))


@lru_cache(maxsize=1)
def _folds() -> _Field:
    """Flat facets of random tilt (nearest of many centres), with a bright ridge between two.

    There is one centre at a random place of every cell of a grid, so only the nine cells round a
    pixel need be searched.
    """
    rng = _bank_rng(1)
    cells = BANK_PX // _FACET_PX + 5
    centres = (rng.random((2, cells, cells)) - 2.0 + np.mgrid[0:cells, 0:cells]) * _FACET_PX
    slopes = rng.normal(0.0, 0.026, (2, cells, cells))
    levels = rng.normal(0.0, 0.3, (cells, cells))
    y, x = np.mgrid[0:BANK_PX, 0:BANK_PX].astype(np.float64)
    x += 8.0 * smooth_noise(rng, BANK_PX, BANK_PX, 28)
    y += 8.0 * smooth_noise(rng, BANK_PX, BANK_PX, 28)
    row, column = (y // _FACET_PX).astype(int) + 2, (x // _FACET_PX).astype(int) + 2
    place = row * cells + column
    centre_y, centre_x = centres.reshape(2, -1)
    nearest = np.full((BANK_PX, BANK_PX), np.inf)  # squares, for roots are slow
    second, facet = nearest.copy(), place.copy()
    for down, across in product((-1, 0, 1), repeat=2):
        cell = place + down * cells + across
        square = (y - centre_y[cell]) ** 2 + (x - centre_x[cell]) ** 2
        closer = square < nearest
        second = np.where(closer, nearest, np.minimum(second, square))
        nearest = np.where(closer, square, nearest)
        facet = np.where(closer, cell, facet)
    tilt_y, tilt_x = slopes.reshape(2, -1)
    shade = levels.ravel()[facet]
    shade += tilt_y[facet] * (y - centre_y[facet]) + tilt_x[facet] * (x - centre_x[facet])
    ridge = np.exp(-(np.sqrt(second) - np.sqrt(nearest)) / 1.3)
    folds: _Field = shade + 0.35 * ridge
    return folds


@lru_cache(maxsize=16)
def _facets(level: int) -> tuple[Image.Image, Image.Image]:
    """Where a facet turns from the light, and where towards it."""
    folds = _folds() * (level / 10.0)
    return _mask(-folds * 150), _mask(folds * 190)


@lru_cache(maxsize=8)
def _grime(level: int) -> Image.Image:
    rng = _bank_rng(2)
    smudge = smooth_noise(rng, BANK_PX, BANK_PX, 9) + 0.6 * smooth_noise(rng, BANK_PX, BANK_PX, 40)
    specks = (rng.random((BANK_PX, BANK_PX)) < 0.0012 * level) * 150.0
    return _mask(np.maximum((smudge - 0.6 + 0.13 * level) * 48.0, specks))


@lru_cache(maxsize=8)
def _streaks(strength: int) -> Image.Image:
    rng = _bank_rng(3)
    rows = rng.normal(0.0, 1.0, (BANK_PX, 1)) + 0.7 * rng.normal(0.0, 1.0, (BANK_PX, BANK_PX))
    kernel = np.ones(25) / 25
    drawn = np.apply_along_axis(lambda row: np.convolve(row, kernel, "same"), 1, rows)
    return _mask(drawn * 18.0 * strength)


@lru_cache(maxsize=1)
def _fibres() -> Image.Image:
    rng = _bank_rng(4)
    grain = rng.normal(0.0, 1.0, (BANK_PX, BANK_PX))
    grain = grain + np.roll(grain, 1, axis=1) + np.roll(grain, 2, axis=1)
    return _mask(np.maximum(grain * 7.0 + 6.0, (grain > 4.6) * 90.0))
