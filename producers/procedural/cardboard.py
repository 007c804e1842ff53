"""Cardboard: closed and open boxes, torn flat pieces, egg cartons, tubes."""

from __future__ import annotations

import numpy as np

from producers.procedural import lathe, lettering, outline, texture
from producers.procedural.palette import INK, KRAFT, TAPE, WHITE, Colour, pick, scaled, varied
from producers.procedural.tile import Tile

_PRINTS = ("FRAGILE", "THIS SIDE UP", "24 x 500 g", "CARGO", "KEEP DRY")


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of cardboard on a fresh tile."""
    kraft = scaled(varied(rng, pick(rng, KRAFT), 4), rng.uniform(0.88, 1.1))
    tile = Tile(side_px, scaled(kraft, 0.55))
    pick(rng, _KINDS)(tile, rng, kraft)
    texture.speckle(tile, rng)
    return tile


def _closed_box(tile: Tile, rng: np.random.Generator, kraft: Colour) -> None:
    """The lid with its seam and tape, and two sides seen at a slant."""
    width, height = rng.uniform(58, 80), rng.uniform(40, 58)
    depth_x, depth_y = rng.uniform(3, 9), rng.uniform(5, 11)
    left, top = 50 - (width + depth_x) / 2, 50 - (height + depth_y) / 2
    right, bottom = left + width, top + height
    front = [(left, bottom), (right, bottom), (right + depth_x, bottom + depth_y)]
    tile.part([*front, (left + depth_x, bottom + depth_y)], scaled(kraft, 0.55))
    side = [(right, top), (right + depth_x, top + depth_y), (right + depth_x, bottom + depth_y)]
    tile.part([*side, (right, bottom)], scaled(kraft, 0.72))
    tile.part([(left, top), (right, top), (right, bottom), (left, bottom)], kraft)
    _flutes(tile, left, right, top, bottom, kraft)
    middle = (top + bottom) / 2 + rng.uniform(-2, 2)
    tile.stroke([(left, middle), (right, middle)], scaled(kraft, 0.5), 1.0)
    tape = pick(rng, TAPE)
    tile.mark(outline.box((left + right) / 2, middle, width + 1, 8.5), tape)
    for edge in (-3.2, 3.2):
        line = [(left, middle + edge), (right, middle + edge)]
        tile.stroke(line, scaled(tape, 1.14), 0.8)
    if rng.random() < 0.55:
        _shipping_label(tile, rng, left + rng.uniform(4, width * 0.5), top + 3)
    else:
        lettering.word(tile, pick(rng, _PRINTS), (left + 6, top + 4, left + 42, top + 12), INK)
    if rng.random() < 0.6:
        _arrows(tile, right - 16, bottom - 15)
    rim = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    tile.stroke(rim, scaled(kraft, 1.16), 0.8)
    if rng.random() < 0.35:
        _dent(tile, rng, left, bottom, kraft)


def _open_box(tile: Tile, rng: np.random.Generator, kraft: Colour) -> None:
    """Looking down into it: four walls in four lights, four flaps folded out."""
    half_x, half_y = rng.uniform(19, 26), rng.uniform(15, 22)
    flap_x, flap_y = rng.uniform(13, 19), rng.uniform(12, 17)
    deep = 0.58
    rim = outline.box(50, 50, 2 * half_x, 2 * half_y)
    floor = outline.box(50 + rng.uniform(-2, 2), 50, 2 * half_x * deep, 2 * half_y * deep)
    for corner, (reach_x, reach_y) in enumerate(
        ((0.0, -flap_y), (flap_x, 0.0), (0.0, flap_y), (-flap_x, 0.0))
    ):
        start, end = rim[corner], rim[(corner + 1) % 4]
        slant = rng.uniform(0.02, 0.10)
        tip = np.array([reach_x, reach_y]) * rng.uniform(0.8, 1.1)
        inset = (end - start) * slant
        light = (1.06, 0.95, 0.86, 1.0)[corner]
        tile.part(
            np.stack([start, end, end + tip - inset, start + tip + inset]), scaled(kraft, light)
        )
        fold = np.stack([start, end])
        tile.stroke(fold, scaled(kraft, 0.62), 1.0)
        flute = np.stack([start + tip * 0.5 + inset, end + tip * 0.5 - inset])
        tile.stroke(flute, scaled(kraft, light * 0.93), 0.7)
    tile.part(rim, scaled(kraft, 0.4))
    for corner, light in enumerate((0.36, 0.5, 0.72, 0.6)):
        after = (corner + 1) % 4
        wall = np.stack([rim[corner], rim[after], floor[after], floor[corner]])
        tile.mark(wall, scaled(kraft, light))
    tile.mark(floor, scaled(kraft, 0.44))
    tile.stroke([(50 - half_x * deep, 50), (50 + half_x * deep, 50)], scaled(kraft, 0.3), 0.8)


def _torn_sheet(tile: Tile, rng: np.random.Generator, kraft: Colour) -> None:
    """A flattened side: fold lines, print, and torn edges where the flutes lie bare."""
    width, height = rng.uniform(64, 84), rng.uniform(42, 64)
    left, top = 50 - width / 2, 50 - height / 2
    right, bottom = left + width, top + height
    torn_right = outline.jagged(rng, (right, top), (right, bottom), 4.0)
    torn_low = outline.jagged(rng, (right, bottom), (left, bottom), 3.0)
    edge = np.concatenate([[(left, top)], torn_right, torn_low[1:]])
    tile.part(edge, scaled(kraft, 1.25))
    bare = outline.slid(torn_right, -rng.uniform(6, 10), 0)
    for y in np.arange(top, bottom, 2.4):
        tile.stroke([(right - 14, y), (right + 5, y)], scaled(kraft, 0.66), 0.9)
    liner = outline.bent(rng, bare, 1.6)
    low = outline.slid(torn_low[1:], 0, -2.2)
    tile.mark(np.concatenate([[(left, top)], liner, low]), kraft)
    _flutes(tile, left, right - 12, top, bottom, kraft)
    fold_x = left + width * rng.uniform(0.3, 0.6)
    tile.stroke([(fold_x, top), (fold_x + 1, bottom)], scaled(kraft, 0.6), 1.3)
    tile.stroke([(fold_x + 1.4, top), (fold_x + 2.4, bottom)], scaled(kraft, 1.18), 0.8)
    if rng.random() < 0.6:
        box = (left + 4, bottom - 16, left + 32, bottom - 8)
        lettering.word(tile, pick(rng, _PRINTS), box, INK)
    if rng.random() < 0.5:
        _arrows(tile, fold_x + 6, top + 5)
    if rng.random() < 0.4:
        strip = outline.turned(outline.box(fold_x, top + 6, 26, 7), 12, (fold_x, top + 6))
        tile.mark(strip, pick(rng, TAPE))


def _egg_carton(tile: Tile, rng: np.random.Generator, kraft: Colour) -> None:
    """Moulded pulp: two or three rows of cups."""
    pulp = scaled(kraft, 0.92)
    columns, rows = (6, 2) if rng.random() < 0.5 else (5, 3)
    pitch = 13.6
    width, height = columns * pitch + 5, rows * pitch + 5
    tile.part(outline.rounded(50, 50, width, height, 4), pulp)
    tile.mark(outline.rounded(50.8, 50.8, width - 3, height - 3, 3), scaled(pulp, 0.8))
    for column in range(columns):
        for row in range(rows):
            x = 50 + (column - (columns - 1) / 2) * pitch
            y = 50 + (row - (rows - 1) / 2) * pitch
            tile.mark(outline.ellipse(x, y, 6.1, 6.1), scaled(pulp, 1.1))
            tile.mark(outline.ellipse(x + 0.5, y + 0.5, 5.2, 5.2), scaled(pulp, 0.48))
            tile.mark(outline.ellipse(x + 1.0, y + 1.2, 4.1, 3.9), scaled(pulp, 0.66))
            tile.mark(outline.ellipse(x + 1.5, y + 1.8, 2.4, 2.2), scaled(pulp, 0.84))
            if column and row:
                peg = outline.ellipse(x - pitch / 2, y - pitch / 2, 2.2, 2.2)
                tile.mark(peg, scaled(pulp, 1.24))


def _tube(tile: Tile, rng: np.random.Generator, kraft: Colour) -> None:
    """The core of a roll, with its spiral seam and a dark end."""
    half, radius = rng.uniform(28, 40), rng.uniform(11, 17)
    shape = lathe.profile([(50 - half, radius), (50 + half, radius)])
    lathe.turn(tile, shape, lathe.matte(kraft))
    for x in np.arange(50 - half - 4, 50 + half, radius * 1.5):
        seam = [(x, 50 + radius), (x + radius * 0.5, 50), (x + radius * 1.3, 50 - radius)]
        tile.stroke(seam, scaled(kraft, 0.62), 0.9)
    mouth = 50 + half
    tile.part(outline.ellipse(mouth, 50, radius * 0.42, radius), scaled(kraft, 1.12))
    tile.mark(outline.ellipse(mouth, 50, radius * 0.34, radius * 0.88), scaled(kraft, 0.36))
    tile.mark(outline.ellipse(mouth - 2, 52, radius * 0.2, radius * 0.6), scaled(kraft, 0.52))


def _flutes(
    tile: Tile, left: float, right: float, top: float, bottom: float, kraft: Colour
) -> None:
    """The corrugation that shows through the liner."""
    for x in np.arange(left + 1.5, right, 3.0):
        tile.stroke([(x, top), (x, bottom)], scaled(kraft, 0.94), 0.9)


def _shipping_label(tile: Tile, rng: np.random.Generator, left: float, top: float) -> None:
    tile.mark(outline.box(left + 10, top + 7, 20, 14), WHITE)
    lettering.bar_code(tile, rng, (left + 2, top + 2, left + 18, top + 7))
    lettering.body_text(tile, rng, (left + 2, top + 8, left + 17, top + 13))


def _arrows(tile: Tile, left: float, top: float) -> None:
    """Two arrows: this side up."""
    for x in (left + 2.5, left + 9.5):
        tile.mark([(x - 3, top + 4), (x, top), (x + 3, top + 4)], INK)
        tile.mark(outline.box(x, top + 6.5, 2, 6), INK)
    tile.mark(outline.box(left + 6, top + 11.5, 13, 1.2), INK)


def _dent(tile: Tile, rng: np.random.Generator, left: float, bottom: float, kraft: Colour) -> None:
    reach = rng.uniform(8, 15)
    corner = [(left, bottom), (left + reach, bottom), (left, bottom - reach)]
    tile.mark(corner, scaled(kraft, 0.76))
    tile.stroke(corner[1:], scaled(kraft, 1.15), 0.9)


# A kind that is named twice is seen twice as often.
_KINDS = (_closed_box, _closed_box, _open_box, _torn_sheet, _torn_sheet, _egg_carton, _tube)
