"""Metal: drink cans whole, crushed and from above, tins, foil, lids."""

from __future__ import annotations

import numpy as np

from producers.procedural import lathe, lettering, outline, texture
from producers.procedural.palette import (
    BRASS,
    BRIGHT,
    SILVER,
    WHITE,
    Colour,
    mixed,
    pick,
    scaled,
    varied,
)
from producers.procedural.tile import Tile

_DRINKS = ("COLA", "SODA", "BEER", "ZISCH", "ENERGY")
_FOODS = ("BEANS", "TOMATO", "SOUP", "CORN")
_CAN = ((16, 11.5), (19, 14.5), (22, 16.5), (76, 16.5), (81, 13.8), (84, 13.2))


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of metal on a fresh tile."""
    tile = Tile(side_px, scaled(SILVER, 0.5))
    pick(rng, _KINDS)(tile, rng)
    return tile


def _can(tile: Tile, rng: np.random.Generator) -> None:
    shape = lathe.profile(_CAN)
    _drink(tile, rng, shape)
    if rng.random() < 0.5:
        texture.crumple(tile, rng, 110, 0.3)


def _crushed_can(tile: Tile, rng: np.random.Generator) -> None:
    """Squeezed in the middle, bent, and full of sharp folds."""
    x = np.linspace(16, 84, 15)
    shape = lathe.section(lathe.profile(_CAN), 16, 84)
    top, low = (np.interp(x, shape[:, 0], shape[:, edge]) for edge in (1, 2))
    waist = np.exp(-(((x - rng.uniform(40, 60)) / rng.uniform(9, 15)) ** 2))
    bend = 6.0 * np.sin((x - 16) / 68 * np.pi + rng.uniform(-0.6, 0.6)) * rng.choice([-1, 1])
    squeeze = rng.uniform(4, 9)
    top = top + waist * squeeze + bend + rng.uniform(-1.3, 1.3, x.size)
    low = low - waist * squeeze * rng.uniform(0.2, 1.0) + bend + rng.uniform(-1.3, 1.3, x.size)
    _drink(tile, rng, np.stack([x, top, low], axis=1))
    texture.crumple(tile, rng, int(rng.integers(150, 230)), 0.8)


def _drink(tile: Tile, rng: np.random.Generator, shape: lathe.Profile) -> None:
    """The lacquered body between two bare ends, a wave and a name along it."""
    paint = varied(rng, pick(rng, BRIGHT), 12)
    lathe.turn(tile, shape, lathe.metal(SILVER))
    lathe.turn(tile, lathe.section(shape, 22, 76), lathe.metal(paint))
    if rng.random() < 0.5:
        band = lathe.section(shape, rng.uniform(30, 40), rng.uniform(60, 68))
        lathe.turn(tile, band, lathe.metal(pick(rng, (WHITE, SILVER, *BRIGHT))))
    middle = float(np.interp(50, shape[:, 0], shape[:, 1:].mean(axis=1)))
    lettering.word(tile, pick(rng, _DRINKS), (31, middle - 8, 68, middle + 5), WHITE)
    for x in (19.0, 22.0, 76.0, 81.0):
        top, low = (float(np.interp(x, shape[:, 0], shape[:, edge])) for edge in (1, 2))
        tile.stroke([(x, top), (x, low)], scaled(SILVER, 0.55), 0.8)
        tile.stroke([(x + 0.9, top), (x + 0.9, low)], scaled(SILVER, 1.25), 0.6)


def _can_from_above(tile: Tile, rng: np.random.Generator) -> None:
    """The lid: rolled rim, sunken panel, ring pull, and the opening if it has been drunk."""
    radius = rng.uniform(29, 36)
    paint = varied(rng, pick(rng, BRIGHT), 12)
    lean_x, lean_y = rng.uniform(-5, 5, 2)
    tile.part(outline.ellipse(50 + lean_x, 50 + lean_y, radius + 2, radius + 2), scaled(paint, 0.8))
    _disc(tile, 50, 50, radius, SILVER)
    _disc(tile, 50, 50, radius * 0.86, scaled(SILVER, 0.62))
    _disc(tile, 50.4, 50.4, radius * 0.8, scaled(SILVER, 0.96))
    texture.brush(tile, rng, 2)
    if rng.random() < 0.7:
        opening = outline.ellipse(50 - radius * 0.42, 50, radius * 0.3, radius * 0.36)
        tile.mark(opening, (16, 14, 14))
    tab = outline.rounded(50 + radius * 0.2, 50, radius * 0.78, radius * 0.42, radius * 0.2)
    tile.mark(outline.slid(tab, 1.0, 1.2), scaled(SILVER, 0.42))
    tile.mark(tab, scaled(SILVER, 1.16))
    hole = outline.rounded(50 + radius * 0.36, 50, radius * 0.3, radius * 0.24, radius * 0.11)
    tile.mark(hole, scaled(SILVER, 0.5))
    tile.mark(outline.ellipse(50 - radius * 0.02, 50, 1.8, 1.8), scaled(SILVER, 0.72))


def _tin(tile: Tile, rng: np.random.Generator) -> None:
    """A food tin on its side: ribs, often a label, often the lid bent open."""
    half, radius = rng.uniform(24, 30), rng.uniform(19, 24)
    left, right = 46 - half, 46 + half
    metal = varied(rng, pick(rng, (SILVER, SILVER, BRASS)), 3)
    shape = lathe.profile([(left, radius), (right, radius)])
    lathe.turn(tile, shape, lathe.metal(metal))
    for x in np.arange(left + 7, right - 5, 3.6):
        tile.stroke([(x, 0), (x, 100)], scaled(metal, 0.6), 0.8)
        tile.stroke([(x + 1.2, 0), (x + 1.2, 100)], scaled(metal, 1.3), 0.6)
    if rng.random() < 0.5:
        _wrapper(tile, rng, shape, left + 5, right - 5)
    for x in (left, right - 2.2):
        rim = lathe.profile([(x, radius + 0.9), (x + 2.2, radius + 0.9)])
        lathe.turn(tile, rim, lathe.metal(scaled(metal, 1.1)))
    if rng.random() < 0.65:
        tile.part(outline.ellipse(right, 50, radius * 0.34, radius), scaled(metal, 1.1))
        tile.mark(outline.ellipse(right, 50, radius * 0.28, radius * 0.92), (34, 32, 32))
        tile.mark(outline.ellipse(right - 2, 53, radius * 0.16, radius * 0.6), (84, 82, 82))
        lid_x, lid_y = right + radius * 0.52, 50 - radius * 0.5
        lid = outline.bent(rng, outline.ellipse(lid_x, lid_y, 9, radius * 0.86), 0.9)
        tile.part(lid, scaled(metal, 0.95))
        tile.mark(outline.ellipse(lid_x, lid_y, 6.4, radius * 0.62), scaled(metal, 1.22))
        tile.mark(outline.ellipse(lid_x + 0.6, lid_y + 0.5, 5.2, radius * 0.52), metal)


def _wrapper(
    tile: Tile, rng: np.random.Generator, shape: lathe.Profile, left: float, right: float
) -> None:
    paint = varied(rng, pick(rng, BRIGHT), 14)
    lathe.turn(tile, lathe.section(shape, left, right), lathe.gloss(paint))
    lettering.word(tile, pick(rng, _FOODS), (left + 4, 40, right - 4, 54), WHITE)
    tile.mark(outline.ellipse((left + right) / 2, 62, 6, 4), pick(rng, BRIGHT))


def _foil(tile: Tile, rng: np.random.Generator) -> None:
    """A crumpled ball or sheet of household foil."""
    radius_x, radius_y = rng.uniform(24, 38), rng.uniform(20, 30)
    edge = outline.bent(rng, outline.blob(rng, 50, 50, radius_x, radius_y, 0.16, 38), 1.3)
    tile.part(edge, scaled(SILVER, 0.88))
    texture.crumple(tile, rng, int(rng.integers(200, 380)), 1.4)


def _lids(tile: Tile, rng: np.random.Generator) -> None:
    """Jar lids and crown caps, two to four of them."""
    places = [(33.0, 38.0), (66.0, 60.0), (68.0, 27.0), (30.0, 70.0)][: int(rng.integers(2, 5))]
    for x, y in places:
        radius = rng.uniform(12, 17)
        metal = pick(rng, (SILVER, BRASS, *BRIGHT[:5]))
        angles = np.linspace(0, 2 * np.pi, 42, endpoint=False)
        swell = radius * (1 + 0.055 * (np.arange(42) % 2))
        crown = np.stack([x + swell * np.cos(angles), y + swell * np.sin(angles)], axis=1)
        tile.part(crown, scaled(metal, 0.6))
        _disc(tile, x, y, radius * 0.9, metal)
        _disc(tile, x + 0.3, y + 0.3, radius * 0.7, mixed(metal, SILVER, 0.35))


def _disc(tile: Tile, x: float, y: float, radius: float, metal: Colour) -> None:
    """A turned metal face: light runs over it in opposite fans."""
    angles = np.linspace(0, 2 * np.pi, 29)
    rim = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
    for spoke in range(28):
        facing = abs(float(np.cos(2 * (angles[spoke] - 0.9))))
        tile.part([(x, y), rim[spoke], rim[spoke + 1]], scaled(metal, 0.7 + 0.5 * facing**2))


# A kind that is named twice is seen twice as often.
_KINDS = (_can, _crushed_can, _crushed_can, _can_from_above, _tin, _tin, _foil, _lids)
