"""Trash: what belongs to none of the other classes: food, wrappers, nappies, cigarettes."""

from __future__ import annotations

import numpy as np

from producers.procedural import lettering, outline, texture
from producers.procedural.palette import BRIGHT, FOOD, WHITE, Colour, mixed, pick, scaled, varied
from producers.procedural.tile import Tile

_CRISPS = ("CHIPS", "NACHOS", "SNACK", "CRUNCH")
_PEEL: Colour = (236, 198, 52)
_FLESH: Colour = (240, 226, 172)
_ROT: Colour = (84, 56, 24)
_BONE: Colour = (228, 218, 196)


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of rubbish on a fresh tile."""
    tile = Tile(side_px, (52, 40, 28))
    pick(rng, _KINDS)(tile, rng)
    texture.soil(tile, rng, int(rng.integers(1, 4)))
    return tile


def _banana(tile: Tile, rng: np.random.Generator) -> None:
    """A peel flung open: four arms from one stem, pale insides and brown spots."""
    peel = mixed(varied(rng, _PEEL, 12), _ROT, rng.uniform(0.0, 0.45))
    start = rng.uniform(0, 90)
    for arm in range(4):
        length, curl = rng.uniform(32, 44), rng.uniform(-26, 26)
        spine = np.linspace(0, 1, 8)
        x = 50 + length * spine
        y = 50 + curl * spine**2
        half = 9.5 * np.sqrt(np.clip(1.06 - spine, 0, 1)) * (0.6 + 0.6 * np.sin(spine * 2.2))
        upper, lower = np.stack([x, y - half], axis=1), np.stack([x, y + half], axis=1)
        angle = start + arm * 90 + rng.uniform(-16, 16)
        outside = outline.turned(np.concatenate([upper, lower[::-1]]), angle, (50, 50))
        tile.part(outside, scaled(peel, rng.uniform(0.82, 1.05)))
        if rng.random() < 0.6:
            inner = np.concatenate(
                [outline.slid(upper, 0, 2.4), outline.slid(lower, 0, -2.4)[::-1]]
            )
            tile.mark(outline.turned(inner, angle, (50, 50)), mixed(_FLESH, peel, 0.25))
        ridge = outline.turned(np.stack([x, y], axis=1), angle, (50, 50))
        tile.stroke(ridge, scaled(peel, 0.62), 0.9)
        for _ in range(5):
            at = ridge[int(rng.integers(1, 8))] + rng.uniform(-4, 4, 2)
            spot = outline.blob(rng, at[0], at[1], rng.uniform(0.6, 2.4), rng.uniform(0.5, 1.6))
            tile.mark(spot, _ROT)
        tip = ridge[-1]
        tile.mark(outline.ellipse(tip[0], tip[1], 2.2, 2.2), _ROT)
    tile.part(outline.blob(rng, 50, 50, 7.5, 7.5), scaled(peel, 0.9))
    stem = outline.turned(outline.box(50, 50, 5, 5), start, (50, 50))
    tile.mark(stem, _ROT)


def _apple_core(tile: Tile, rng: np.random.Generator) -> None:
    """Eaten to the waist: skin at both ends, browning flesh, pips and a stalk."""
    skin = pick(rng, ((176, 28, 34), (110, 150, 44), (198, 150, 50)))
    y = np.linspace(14, 86, 19)
    out = np.abs(y - 50) / 36  # 0 at the waist, 1 at either end
    half = 11 + 17 * out**1.7 - 10 * np.clip(out - 0.86, 0, 1) * 8
    left = np.stack([50 - half + rng.uniform(-1.4, 1.4, y.size), y], axis=1)
    right = np.stack([50 + half + rng.uniform(-1.4, 1.4, y.size), y], axis=1)
    skin = varied(rng, skin, 10)
    tile.part(np.concatenate([left, right[::-1]]), skin)
    for end in (15.0, 85.0):
        tile.part(outline.ellipse(50, end, 17, 5), skin)
    bitten = mixed(_FLESH, _ROT, rng.uniform(0.05, 0.3))
    flesh = slice(3, 16)
    tile.mark(np.concatenate([left[flesh], right[flesh][::-1]]), bitten)
    for x_shift in (-6.0, 0.0, 6.0):
        vein = [(50 + x_shift, 27), (50 + x_shift * 0.5, 50), (50 + x_shift, 73)]
        tile.stroke(vein, scaled(bitten, 0.82), 1.4)
    for x, y_pip in ((47.0, 47.0), (53.0, 50.0), (49.0, 55.0)):
        tile.mark(outline.ellipse(x, y_pip, 1.5, 3.0), _ROT)
    tile.rod([(50, 18), (52, 10), (56, 5)], _ROT, 2.0)


def _crisp_bag(tile: Tile, rng: np.random.Generator) -> None:
    """A foil pouch with crimped, zigzag ends, loud print and hard wrinkles."""
    paint = varied(rng, pick(rng, BRIGHT), 14)
    width, height = rng.uniform(48, 56), rng.uniform(66, 78)
    left, right, top, bottom = 50 - width / 2, 50 + width / 2, 50 - height / 2, 50 + height / 2
    zigzag = np.linspace(left, right, 25)
    tooth = 1.6 * (np.arange(25) % 2)
    upper = np.stack([zigzag, top - tooth], axis=1)
    lower = np.stack([zigzag[::-1], bottom + tooth], axis=1)
    waist = [(right - 4, top + 9), (right + 2, 50), (right - 4, bottom - 9)]
    back = [(left + 4, bottom - 9), (left - 2, 50), (left + 4, top + 9)]
    tile.part(np.concatenate([upper, waist, lower, back]), paint)
    other = pick(rng, (WHITE, *BRIGHT))
    tile.mark(outline.blob(rng, 50, 44, width * 0.43, 15, 0.08), other)
    ink = paint if sum(other) > 420 else WHITE
    lettering.word(tile, pick(rng, _CRISPS), (left + 6, 37, right - 6, 50), ink)
    for _ in range(4):
        x, y = 50 + rng.uniform(-13, 13), 68 + rng.uniform(-6, 6)
        tile.mark(outline.blob(rng, x, y, 6.5, 5), (240, 200, 92))
        tile.mark(outline.blob(rng, x + 0.7, y + 0.7, 4.6, 3.4), (224, 172, 60))
    for y in (top + 1.5, top + 4.0, top + 6.5, bottom - 6.5, bottom - 4.0, bottom - 1.5):
        tile.stroke([(left, y), (right, y)], scaled(paint, 0.62), 0.6)
    if rng.random() < 0.4:
        start, end = (left + rng.uniform(14, 26), top - 4), (left - 5, top + rng.uniform(9, 18))
        tile.clear(np.concatenate([outline.jagged(rng, start, end, 1.6, 9), [(left - 5, top - 4)]]))
    texture.crumple(tile, rng, int(rng.integers(150, 230)), 0.8)


def _cigarettes(tile: Tile, rng: np.random.Generator) -> None:
    """An open packet, and the stubs that fell out of it."""
    paint = pick(rng, ((190, 24, 32), (24, 62, 140), (230, 228, 220), (28, 96, 60)))
    left, top, right, bottom = 34.0, 34.0, 66.0, 82.0
    for x in np.linspace(38, 62, 5)[: int(rng.integers(3, 6))]:
        tip = 34 - rng.uniform(6, 15)
        tile.part([(x - 2.3, tip), (x + 2.3, tip), (x + 2.3, 36), (x - 2.3, 36)], (214, 150, 78))
        tile.stroke([(x + 1.4, tip), (x + 1.4, 36)], (170, 110, 50), 0.8)
    tile.part([(left, top), (right, top), (right, bottom), (left, bottom)], paint)
    side = [(right, top), (right + 5, top + 4), (right + 5, bottom + 3), (right, bottom)]
    tile.part(side, scaled(paint, 0.6))
    tile.mark([(left, top), (right, top), (right, 47), (50, 58), (left, 47)], WHITE)
    tile.mark(outline.box(50, 76.5, 32, 11), (24, 24, 26))
    lettering.word(tile, "SMOKING KILLS", (36, 73, 64, 80), WHITE)
    brand = pick(rng, ("ROYAL", "WEST", "FILTER"))
    lettering.word(tile, brand, (39, 39, 61, 46), scaled(paint, 0.75))
    for _ in range(int(rng.integers(2, 5))):
        x, y, angle = rng.uniform(12, 26), rng.uniform(20, 86), rng.uniform(0, 180)
        stub = outline.turned(outline.box(x, y, 18, 4.2), angle, (x, y))
        tile.part(stub, (236, 234, 226))
        filter_end = outline.turned(outline.box(x - 5, y, 8.2, 4.2), angle, (x, y))
        tile.mark(filter_end, (208, 142, 70))
        ash = outline.turned(outline.box(x + 8, y, 2.2, 4.2), angle, (x, y))
        tile.mark(ash, (60, 58, 56))


def _nappy(tile: Tile, rng: np.random.Generator) -> None:
    """An hourglass of padding, elastic frills, tabs, and a stain."""
    fleece = varied(rng, (236, 238, 238), 6)
    half = np.array([27, 27, 17, 14, 17, 25, 25], dtype=np.float64)
    y = np.array([12, 26, 36, 50, 64, 74, 88], dtype=np.float64)
    left, right = np.stack([50 - half, y], axis=1), np.stack([50 + half, y], axis=1)
    for side in (-1, 1):
        tab = outline.box(50 + side * 31, 19, 13, 8)
        tile.part(tab, mixed(fleece, pick(rng, BRIGHT), 0.5))
    tile.part(np.concatenate([left, right[::-1]]), fleece)
    for edge in (left, right):
        frill = outline.bent(rng, np.repeat(edge[1:6], 3, axis=0), 1.1)
        tile.stroke(frill, scaled(fleece, 0.72), 1.1)
    pad = outline.rounded(50, 50, 22, 62, 10)
    tile.mark(pad, scaled(fleece, 0.92))
    for y_seam in np.arange(26, 78, 6.5):
        tile.stroke([(41, y_seam), (59, y_seam)], scaled(fleece, 0.84), 0.8)
    stain = outline.blob(rng, 50 + rng.uniform(-2, 2), 54, 8.5, 17, 0.22)
    tile.mark(stain, (190, 158, 76))
    tile.mark(outline.blob(rng, 50, 56, 5.5, 11, 0.25), pick(rng, ((138, 96, 36), (160, 124, 48))))
    texture.crumple(tile, rng, 150, 0.4)


def _leftovers(tile: Tile, rng: np.random.Generator) -> None:
    """A wet heap of food remains: lumps of every colour, peelings, a soiled tissue."""
    base = pick(rng, FOOD)
    puddle = outline.blob(rng, 50, 50, rng.uniform(28, 36), rng.uniform(23, 31), 0.3)
    tile.part(puddle, scaled(base, 0.6))
    if rng.random() < 0.6:
        x, y = 50 + rng.uniform(-16, 16), 50 + rng.uniform(-12, 12)
        tissue = outline.bent(rng, outline.blob(rng, x, y, 17, 14, 0.25), 2.0)
        tile.part(tissue, (222, 216, 204))
        tile.mark(outline.blob(rng, x + 3, y + 3, 8, 6, 0.3), mixed(WHITE, base, 0.6))
    for _ in range(20):
        distance, angle = 27 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        x, y = 50 + distance * np.cos(angle) * 1.15, 50 + distance * np.sin(angle)
        size = rng.uniform(2.5, 7.5)
        colour = varied(rng, pick(rng, FOOD), 16)
        lump = outline.blob(rng, x, y, size, size * rng.uniform(0.5, 1.0), 0.25, 18)
        tile.part(lump, scaled(colour, 0.72))
        tile.mark(outline.slid(50 + (lump - 50) * 0.985, -0.7, -0.8), colour)
        gleam = outline.ellipse(x - size * 0.3, y - size * 0.3, size * 0.16, size * 0.1)
        tile.mark(gleam, scaled(colour, 1.5))
    for _ in range(3):
        x, y = rng.uniform(26, 70, 2)
        end = (x + rng.uniform(-22, 22), y + rng.uniform(-16, 16))
        curl = outline.jagged(rng, (x, y), end, 2.5, 8)
        tile.rod(curl, pick(rng, ((150, 168, 60), (214, 120, 44), (176, 140, 90))), 2.4)
    texture.crumple(tile, rng, 380, 0.4)


def _fish(tile: Tile, rng: np.random.Generator) -> None:
    """Head, spine, ribs, tail."""
    skin = pick(rng, ((128, 138, 146), (150, 132, 104)))
    tile.rod([(28, 50), (55, 48), (84, 50)], _BONE, 2.6)
    for x in np.arange(38, 78, 5.2):
        reach = 15 - abs(x - 48) * 0.3
        lean = 5.0
        tile.rod([(x + lean, 50 - reach), (x, 49), (x + lean, 50 + reach)], _BONE, 1.4)
    jaw = np.array([(34, 34), (36, 50), (34, 66), (20, 61), (9, 51), (20, 40)], dtype=np.float64)
    tile.part(outline.bent(rng, jaw, 1.0), skin)
    tile.mark(outline.blob(rng, 31, 50, 3, 12, 0.2), (140, 62, 52))
    tile.stroke([(10, 52), (18, 53)], scaled(skin, 0.4), 1.0)
    tile.mark(outline.ellipse(20, 47, 3.2, 3.2), WHITE)
    tile.mark(outline.ellipse(20, 47, 1.6, 1.6), (16, 16, 18))
    tile.part([(81, 50), (94, 36), (90, 50), (94, 64)], scaled(skin, 0.9))
    for y in (42.0, 46.0, 54.0, 58.0):
        tile.stroke([(83, 50), (93, y)], scaled(skin, 0.6), 0.7)
    for _ in range(3):
        x, y = rng.uniform(40, 74), 50 + rng.uniform(-6, 6)
        tile.part(outline.blob(rng, x, y, 4, 2.6, 0.3), (206, 172, 156))


# A kind that is named twice is seen twice as often.
_KINDS = (
    _banana,
    _banana,
    _apple_core,
    _crisp_bag,
    _crisp_bag,
    _cigarettes,
    _nappy,
    _leftovers,
    _leftovers,
    _fish,
)
