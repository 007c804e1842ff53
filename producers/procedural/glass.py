"""Glass: bottles, jars, tumblers and what is left of a broken one."""

from __future__ import annotations

import numpy as np

from producers.procedural import lathe, lettering, outline
from producers.procedural.palette import (
    BRASS,
    BRIGHT,
    GLASS_AMBER,
    GLASS_CLEAR,
    GLASS_GREEN,
    PAPERS,
    WHITE,
    Colour,
    pick,
    scaled,
    varied,
)
from producers.procedural.tile import Tile

_TINTS = (GLASS_GREEN, GLASS_GREEN, GLASS_AMBER, GLASS_CLEAR, GLASS_CLEAR)
_BRANDS = ("VINO", "LAGER", "CIDER", "OLIVA", "TONIC")
_PRESERVES = ("JAM", "HONEY", "PICKLES")
# (x, radius) from base to mouth; the neck is what tells a wine bottle from a beer bottle.
_WINE = ((7, 10.5), (9, 12.5), (56, 12.5), (62, 11.0), (68, 6.0), (73, 4.4), (92, 4.2))
_BEER = ((12, 11.0), (14, 12.8), (48, 12.8), (56, 10.5), (66, 6.4), (88, 4.4))
_STUBBY = ((18, 14.5), (20, 16.0), (54, 16.0), (62, 12.5), (68, 6.8), (82, 6.0))


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of glass on a fresh tile."""
    tint = varied(rng, pick(rng, _TINTS), 12)
    tile = Tile(side_px, scaled(tint, 0.5))
    pick(rng, _KINDS)(tile, rng, tint)
    return tile


def _is_clear(tint: Colour) -> bool:
    return tint[2] > 120


def _glass(tint: Colour) -> lathe.Finish:
    """Coloured glass swallows more of the belt's image than clear glass does."""
    return lathe.clear(tint, 84, 205) if _is_clear(tint) else lathe.clear(tint, 168, 240)


def _bottle(tile: Tile, rng: np.random.Generator, tint: Colour) -> None:
    shape = lathe.profile(pick(rng, (_WINE, _BEER, _STUBBY)))
    base, mouth = float(shape[0, 0]), float(shape[-1, 0])
    lathe.turn(tile, shape, _glass(tint))
    _thick_base(tile, shape, tint)
    _highlights(tile, shape, base + 5, mouth - 32)
    ring = lathe.profile([(mouth - 4, 5.4), (mouth, 5.2)])
    lathe.turn(tile, ring, _glass(tint))
    tile.rod([(mouth, 45.2), (mouth, 54.8)], scaled(tint, 1.5), 0.9, 230)
    if rng.random() < 0.55:
        _label(tile, rng, shape, base + 12, base + rng.uniform(28, 36))
    if rng.random() < 0.25:
        cap = lathe.profile([(mouth - 5, 5.8), (mouth + 1, 5.4)])
        lathe.turn(tile, cap, lathe.metal(pick(rng, (BRASS, *BRIGHT))))


def _jar(tile: Tile, rng: np.random.Generator, tint: Colour) -> None:
    """Wide, with a screw thread at the mouth; a lid now and then."""
    tint = tint if _is_clear(tint) or rng.random() < 0.2 else GLASS_CLEAR
    radius, length = rng.uniform(20, 25), rng.uniform(44, 58)
    base = 50 - length / 2 - 4
    shoulder, mouth = base + length, base + length + 10
    stations = [(base, radius * 0.86), (base + 3, radius), (shoulder - 6, radius)]
    stations += [(shoulder, radius * 0.8), (mouth, radius * 0.78)]
    shape = lathe.profile(stations)
    lathe.turn(tile, shape, _glass(tint))
    _thick_base(tile, shape, tint)
    _highlights(tile, shape, base + 5, shoulder - 7)
    if rng.random() < 0.4:
        lid = lathe.profile([(mouth - 8, radius * 0.88), (mouth + 1, radius * 0.86)])
        lathe.turn(tile, lid, lathe.metal(pick(rng, (BRASS, WHITE, *BRIGHT[:3]))))
    else:
        for x in (mouth - 7, mouth - 4.2):
            thread = [(x, 50 - radius * 0.8), (x + 1.4, 50 + radius * 0.8)]
            tile.rod(thread, (235, 245, 243), 0.9, 190)
        rim = outline.ellipse(mouth, 50, radius * 0.16, radius * 0.78)
        tile.rod(np.concatenate([rim, rim[:1]]), (238, 246, 244), 1.2, 215)
    if rng.random() < 0.45:
        _label(tile, rng, shape, base + 9, shoulder - 10)


def _jar_from_above(tile: Tile, rng: np.random.Generator, tint: Colour) -> None:
    """A tumbler or jar standing upright: rings of thick glass, the belt at the bottom."""
    radius = rng.uniform(26, 34)
    lean_x, lean_y = rng.uniform(-3, 3, 2)
    light, dark = scaled(tint, 1.4), scaled(tint, 0.62)
    body, rim = (64, 205) if _is_clear(tint) else (165, 240)
    tile.part(outline.ellipse(50, 50, radius, radius), light, rim)
    tile.part(outline.ellipse(50, 50, radius - 2.4, radius - 2.4), dark, body + 60)
    x, y = 50 + lean_x, 50 + lean_y
    tile.part(outline.ellipse(x, y, radius * 0.80, radius * 0.80), tint, body + 24)
    tile.part(outline.ellipse(x, y, radius * 0.70, radius * 0.70), light, rim - 30)
    tile.part(outline.ellipse(x, y, radius * 0.63, radius * 0.63), tint, body)
    tile.part(outline.ellipse(x, y, radius * 0.18, radius * 0.18), light, body + 36)
    for share, start, sweep in ((0.9, 190, 70), (0.9, 20, 34), (0.66, 200, 50), (0.5, 30, 40)):
        angles = np.radians(np.linspace(start, start + sweep, 12) + rng.uniform(-12, 12))
        arc = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius * share + [x, y]
        tile.rod(arc, (252, 255, 254), 2.2 if share > 0.8 else 1.3, 235)


def _broken(tile: Tile, rng: np.random.Generator, tint: Colour) -> None:
    """The neck half of a bottle with a jagged end, and shards around it."""
    cut = rng.uniform(36, 44)
    whole = lathe.profile(pick(rng, (_WINE, _BEER)))
    shape = lathe.section(whole, cut, float(whole[-1, 0]))
    lathe.turn(tile, shape, _glass(tint))
    top, low = float(shape[0, 1]), float(shape[0, 2])
    teeth = outline.jagged(rng, (cut + 1, top - 1), (cut + 1, low + 1), 6.5, 9)
    tile.clear(np.concatenate([teeth, [(cut - 9, low + 6), (cut - 9, top - 6)]]))
    tile.rod(teeth[1:-1], scaled(tint, 1.7), 1.0, 225)
    _highlights(tile, shape, cut + 9, 60)
    for _ in range(int(rng.integers(4, 7))):
        x, y = rng.uniform(12, cut - 10), rng.uniform(28, 72)
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 6))))
        spread = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        shard = spread * rng.uniform(4, 9.5, (angles.size, 1)) + [x, y]
        tile.part(shard, tint, 130 if _is_clear(tint) else 205)
        tile.rod(np.concatenate([shard, shard[:1]]), scaled(tint, 1.8), 0.8, 225)
        tile.rod(shard[:2], (250, 255, 252), 1.1, 240)


def _thick_base(tile: Tile, shape: lathe.Profile, tint: Colour) -> None:
    """The bottom of a vessel is the deepest glass, so the darkest."""
    base = float(shape[0, 0])
    bottom = lathe.section(shape, base, base + 3.5)
    lathe.turn(tile, bottom, lathe.clear(scaled(tint, 0.62), 190, 240))
    top, low = float(shape[1, 1]), float(shape[1, 2])
    curve = [(base + 4, top + 2), (base + 5.5, 50), (base + 4, low - 2)]
    tile.rod(curve, scaled(tint, 1.5), 0.8, 190)


def _highlights(tile: Tile, shape: lathe.Profile, start_x: float, end_x: float) -> None:
    """Window-shaped reflections: hard-edged and nearly white, as only glass has them."""
    radius = float(np.interp(start_x + 2, shape[:, 0], 50 - shape[:, 1]))
    y = 50 - radius * 0.55
    window = outline.rounded((start_x + end_x) / 2, y, end_x - start_x, radius * 0.2, 1)
    tile.part(window, (250, 255, 253), 225)
    gap = start_x + (end_x - start_x) * 0.7
    tile.part(outline.box(gap, y, 1.6, radius * 0.2), scaled(GLASS_CLEAR, 0.6), 130)
    low = 50 + radius * 0.68
    tile.rod([(start_x + 4, low), (end_x - 6, low)], (225, 238, 235), 1.1, 180)


def _label(
    tile: Tile, rng: np.random.Generator, shape: lathe.Profile, start_x: float, end_x: float
) -> None:
    """A paper label that covers most of the round, a brand and small print on it."""
    paper = pick(rng, (*PAPERS, BRIGHT[0], BRIGHT[2]))
    band = lathe.section(shape, start_x, end_x)
    band[:, 1:] = 50 + (band[:, 1:] - 50) * 0.9
    lathe.turn(tile, band, lathe.matte(paper))
    radius = 50 - float(band[0, 1])
    ink = WHITE if sum(paper) < 380 else pick(rng, BRIGHT)
    brand = pick(rng, _PRESERVES if radius > 17 else _BRANDS)
    box = (start_x + 2, 50 - radius * 0.45, end_x - 2, 50 + radius * 0.05)
    lettering.word(tile, brand, box, ink)
    lettering.body_text(tile, rng, (start_x + 3, 50 + radius * 0.2, end_x - 3, 50 + radius * 0.6))


# A kind that is named twice is seen twice as often.
_KINDS = (_bottle, _bottle, _bottle, _jar, _jar_from_above, _broken)
