"""Plastic: drink bottles, detergent bottles, cups, carrier bags, tubs, cutlery."""

from __future__ import annotations

import numpy as np

from producers.procedural import lathe, lettering, outline, texture
from producers.procedural.palette import BRIGHT, WHITE, Colour, mixed, pick, scaled, varied
from producers.procedural.tile import Tile

_WATERS = ("AQUA", "SPRING", "FRESH", "LEMON")
_SOAPS = ("CLEAN", "BRILL", "SOFT", "FOAM")
_PET: tuple[Colour, ...] = ((196, 222, 240), (214, 228, 236), (150, 206, 232), (176, 224, 190))


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of plastic on a fresh tile."""
    resin = varied(rng, pick(rng, BRIGHT), 16)
    tile = Tile(side_px, scaled(resin, 0.5))
    pick(rng, _KINDS)(tile, rng, resin)
    return tile


def _pet(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """Thin and clear: a ribbed body, a wrap-round label, a bright screw cap."""
    film = varied(rng, pick(rng, _PET), 8)
    radius = rng.uniform(13.5, 16.5)
    x = np.linspace(8, 64, 29)
    ripple = radius + 0.9 * np.cos((x - 8) * 2 * np.pi / 5.6)
    if rng.random() < 0.4:
        ripple -= rng.uniform(2, 6) * np.exp(-(((x - rng.uniform(20, 50)) / 6) ** 2))
    stations = [(6.0, radius - 3), *zip(x.tolist(), ripple.tolist(), strict=True)]
    stations += [(72.0, radius * 0.72), (79.0, 6.0), (82.0, 5.2), (88.0, 5.2)]
    shape = lathe.profile(stations)
    lathe.turn(tile, shape, lathe.clear(film, 108, 190))
    for rib in np.arange(10.8, 62, 5.6):
        half = radius - 1.8
        groove = [(rib, 50 - half), (rib + 1.2, 50), (rib, 50 + half)]
        tile.rod(groove, scaled(film, 0.72), 0.9, 150)
        tile.rod([(rib + 2, 50 - half), (rib + 2.6, 50 - half * 0.3)], WHITE, 0.8, 220)
    for reach in (-6.0, 0.0, 6.0):
        tile.rod([(7, 50 + reach), (11, 50 + reach * 0.6)], scaled(film, 0.7), 0.9, 170)
    if rng.random() < 0.8:
        band = lathe.section(shape, 29, rng.uniform(46, 53))
        band[:, 1:] = 50 + np.sign(band[:, 1:] - 50) * (radius + 0.4)
        lathe.turn(tile, band, lathe.gloss(resin))
        right = float(band[-1, 0])
        lettering.word(tile, pick(rng, _WATERS), (31, 43, right - 2, 53), WHITE)
        tile.mark(outline.box((29 + right) / 2, 58, right - 29, 3), scaled(resin, 1.5))
    cap = pick(rng, (*BRIGHT[:4], WHITE, resin))
    lathe.turn(tile, lathe.profile([(82, 7.2), (84, 7.2)]), lathe.gloss(cap))
    lathe.turn(tile, lathe.profile([(85, 6.9), (93, 6.6)]), lathe.gloss(cap))
    for y in np.linspace(44.5, 55.5, 8):
        tile.stroke([(85, y), (92.4, y)], scaled(cap, 0.66), 0.5)


def _detergent(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """Opaque and saturated: shoulders, a handle with the belt seen through, a cap of its own."""
    resin = resin if rng.random() < 0.75 else (236, 238, 238)
    width = rng.uniform(19, 23)
    stations = [(9, width - 3), (12, width), (52, width), (62, width * 0.86), (70, width * 0.5)]
    stations += [(75, 8.5), (80, 8.0)]
    lathe.turn(tile, lathe.profile(stations), lathe.gloss(resin))
    tile.clear(outline.rounded(59, 50 + width * 0.44, 17, width * 0.3, 2.6))
    hole = outline.rounded(59, 50 + width * 0.44, 18, width * 0.36, 3)
    tile.stroke(np.concatenate([hole, hole[:1]]), scaled(resin, 0.6), 1.0)
    label = pick(rng, (WHITE, *BRIGHT))
    panel = outline.rounded(31, 50, 32, width * 1.45, 5)
    tile.mark(panel, label)
    tile.mark(outline.ellipse(31, 46, 12, width * 0.42), mixed(resin, BRIGHT[3], 0.6))
    ink = WHITE if sum(label) < 420 else scaled(resin, 0.7)
    lettering.word(tile, pick(rng, _SOAPS), (18, 41, 44, 51), ink)
    lettering.body_text(tile, rng, (19, 56, 43, 50 + width * 0.64), ink)
    cap = pick(rng, (WHITE, *BRIGHT))
    lathe.turn(tile, lathe.profile([(78, 10), (92, 9)]), lathe.gloss(cap))
    for y in np.linspace(42.5, 57.5, 9):
        tile.stroke([(79, y), (91, y)], scaled(cap, 0.72), 0.5)


def _cup(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """A tapered cup on its side: rolled rim, rings, a dark mouth; at times a straw."""
    small, wide = rng.uniform(13, 17), rng.uniform(21, 26)
    shape = lathe.profile([(16, small), (74, wide)])
    if rng.random() < 0.4:
        tile.rod([(60, 52), (94, 44 + rng.uniform(-8, 8))], pick(rng, BRIGHT), 3.0)
    lathe.turn(tile, shape, lathe.gloss(resin))
    for x in np.arange(24, 70, rng.uniform(6, 10)):
        ring = lathe.section(shape, x, x + 1.5)
        lathe.turn(tile, ring, lathe.gloss(scaled(resin, 0.78)))
    if rng.random() < 0.6:
        band = lathe.section(shape, 34, 56)
        lathe.turn(tile, band, lathe.gloss(pick(rng, (WHITE, *BRIGHT))))
    lathe.turn(tile, lathe.profile([(73, wide + 1.6), (76.5, wide + 1.6)]), lathe.gloss(resin))
    tile.part(outline.ellipse(76, 50, 7, wide + 1.2), scaled(resin, 1.15))
    tile.mark(outline.ellipse(76.4, 50, 5.8, wide - 0.6), scaled(resin, 0.42))
    tile.mark(outline.ellipse(75.0, 52, 4.0, wide * 0.66), scaled(resin, 0.62))


def _bag(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """A thin carrier bag with two handles, wrinkled, the belt faintly seen through."""
    film = pick(rng, ((238, 240, 242), (232, 236, 240), mixed(resin, WHITE, 0.35)))
    body = [(26, 38), (74, 38), (80, 62), (77, 88), (50, 91), (23, 88), (20, 60)]
    left_handle = [(26, 40), (25, 10), (37, 9), (40, 36), (50, 42), (44, 52)]
    right_handle = [(74, 40), (75, 11), (63, 9), (60, 36), (50, 42), (56, 52)]
    for piece in (left_handle, right_handle, body):
        tile.part(outline.bent(rng, np.array(piece, dtype=np.float64), 2.2), film, 208)
    if rng.random() < 0.75:
        lettering.word(tile, pick(rng, ("THANK YOU", "SHOP", "SUPER")), (32, 56, 68, 70), resin)
        tile.mark(outline.box(50, 74, 34, 1.6), resin)
    for x in np.linspace(30, 70, 6):
        fold = np.array([(x, 44), (x + rng.uniform(-5, 5), 64), (x + rng.uniform(-7, 7), 88)])
        tile.stroke(fold, scaled(film, rng.uniform(0.72, 0.94)), 1.0)
        tile.stroke(outline.slid(fold, 1.1, 0), scaled(film, 1.2), 0.6)
    texture.crumple(tile, rng, int(rng.integers(150, 260)), 0.4)


def _tub(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """A food tub from above: flange, walls, a ribbed floor that catches the lamp."""
    resin = resin if rng.random() < 0.7 else (228, 230, 232)
    width, height, corner = rng.uniform(60, 76), rng.uniform(42, 54), rng.uniform(7, 13)
    tile.part(outline.rounded(50, 50, width, height, corner), scaled(resin, 1.12))
    tile.mark(outline.rounded(50, 50, width - 2.4, height - 2.4, corner - 1), resin)
    tile.mark(outline.rounded(50, 50, width - 7, height - 7, corner - 2), scaled(resin, 0.5))
    tile.mark(outline.rounded(51, 51.4, width - 10, height - 10, corner - 2), scaled(resin, 0.72))
    floor = outline.rounded(51, 51, width - 18, height - 18, corner - 3)
    tile.mark(floor, scaled(resin, 0.86))
    for x in np.arange(51 - width / 2 + 14, 51 + width / 2 - 12, 5.2):
        line = [(x, 51 - height / 2 + 12), (x, 51 + height / 2 - 12)]
        tile.stroke(line, scaled(resin, 1.08), 1.2)
    left, top = 50 - width / 2 + 6, 50 - height / 2 + 5
    tile.stroke([(left, top + 12), (left + 1, top + 3), (left + 12, top)], WHITE, 1.8)
    right, bottom = 50 + width / 2 - 6, 50 + height / 2 - 5
    tile.stroke([(right - 14, bottom), (right - 2, bottom - 2)], scaled(resin, 1.5), 1.3)


def _cutlery(tile: Tile, rng: np.random.Generator, resin: Colour) -> None:
    """A throw-away fork and spoon, crossed."""
    resin = resin if rng.random() < 0.6 else (240, 242, 242)
    for slant in (rng.uniform(8, 20), -rng.uniform(8, 20)):
        fork = slant > 0
        handle = np.array([(10, 47), (58, 48.2), (58, 51.8), (10, 53)], dtype=np.float64)
        head = outline.ellipse(71, 50, 15, 9.5)
        if fork:
            head = outline.rounded(70, 50, 26, 15, 6)
        for piece in (handle, head):
            tile.part(outline.turned(piece, slant, (50, 50)), resin)
        groove = np.array([(16, 50), (56, 50)], dtype=np.float64)
        tile.stroke(outline.turned(groove, slant, (50, 50)), scaled(resin, 0.7), 1.3)
        hollow = outline.turned(outline.ellipse(71, 50.6, 11, 6.4), slant, (50, 50))
        if not fork:
            tile.mark(hollow, scaled(resin, 0.72))
            continue
        for y in (45.6, 50.0, 54.4):
            tile.clear(outline.turned(outline.box(76, y, 17, 2.0), slant, (50, 50)))


# A kind that is named twice is seen twice as often.
_KINDS = (_pet, _pet, _pet, _detergent, _detergent, _cup, _bag, _tub, _cutlery)
