"""Paper: crumpled balls, printed and ruled sheets, newspapers, envelopes, receipts."""

from __future__ import annotations

import numpy as np

from producers.procedural import lettering, outline, texture
from producers.procedural.palette import (
    BRIGHT,
    INK,
    NEWSPRINT,
    PAPERS,
    WHITE,
    Colour,
    pick,
    scaled,
    varied,
)
from producers.procedural.tile import Tile

_MASTHEADS = ("THE DAILY", "MORNING POST", "HERALD", "CITY NEWS")
_PEN: tuple[Colour, ...] = ((28, 40, 120), (30, 30, 34), (120, 24, 40))


def draw(rng: np.random.Generator, side_px: int) -> Tile:
    """A random piece of paper on a fresh tile."""
    paper = varied(rng, pick(rng, PAPERS), 3)
    tile = Tile(side_px, scaled(paper, 0.62))
    pick(rng, _KINDS)(tile, rng, paper)
    return tile


def _ball(tile: Tile, rng: np.random.Generator, paper: Colour) -> None:
    """Crumpled into a lump; a trace of what was printed on it."""
    edge = outline.blob(rng, 50, 50, rng.uniform(26, 36), rng.uniform(23, 31), 0.15, 26)
    tile.part(outline.bent(rng, edge, 1.6), scaled(paper, 0.86))
    if rng.random() < 0.6:
        for _ in range(4):
            x, y = rng.uniform(20, 55), rng.uniform(25, 65)
            lettering.body_text(tile, rng, (x, y, x + rng.uniform(12, 26), y + 9), (110, 110, 116))
    texture.crumple(tile, rng, int(rng.integers(150, 250)), 0.6)


def _letter(tile: Tile, rng: np.random.Generator, paper: Colour) -> None:
    """A printed page: heading, paragraphs, the creases of having been folded."""
    left, top, right, bottom = _sheet(tile, rng, paper, rng.uniform(52, 60), rng.uniform(74, 84))
    heading = pick(rng, (INK, *BRIGHT))
    tile.mark(outline.box(left + 11, top + 9, 12, 5), heading)
    lettering.body_text(tile, rng, (right - 20, top + 6, right - 5, top + 13))
    y = top + 19
    while y < bottom - 12:
        height = min(rng.uniform(11, 18), bottom - 6 - y)
        lettering.body_text(tile, rng, (left + 5, y, right - 6, y + height))
        y += height + 4
    if rng.random() < 0.35:
        tile.mark(outline.box(50, (top + bottom) / 2, right - left - 12, 15), pick(rng, BRIGHT))
        chart = outline.jagged(rng, (left + 8, 55), (right - 8, 47), 4)
        tile.stroke(chart, WHITE, 1.1)
    _creases(tile, left, right, top, bottom, paper)
    texture.crumple(tile, rng, int(rng.integers(110, 190)), rng.choice([0.1, 0.2, 0.3]))


def _newspaper(tile: Tile, rng: np.random.Generator, _: Colour) -> None:
    """Grey newsprint: masthead, rule, headline, three columns round a picture."""
    paper = varied(rng, pick(rng, NEWSPRINT), 4)
    left, top, right, bottom = _sheet(tile, rng, paper, rng.uniform(58, 68), rng.uniform(74, 84))
    name = (left + 8, top + 4, right - 8, top + 13)
    lettering.word(tile, pick(rng, _MASTHEADS), name, INK)
    for y in (top + 15, top + 16.2):
        tile.stroke([(left + 4, y), (right - 4, y)], INK, 0.5)
    headline = (left + 5, top + 18.5, right - rng.uniform(6, 22), top + 24)
    lettering.word(tile, pick(rng, ("RECORD YEAR FOR SCRAP", "BELT STOPS AGAIN")), headline, INK)
    width = (right - left - 8) / 3
    photo = int(rng.integers(0, 3))
    for column in range(3):
        x = left + 4 + column * width
        start = top + 27
        if column == photo:
            tone = int(rng.integers(70, 130))
            tile.mark(outline.box(x + width / 2, start + 10, width - 2, 19), (tone, tone, tone))
            hill = outline.jagged(rng, (x + 1, start + 15), (x + width - 1, start + 11), 2.5, 7)
            ground = [(x + width - 1, start + 19.5), (x + 1, start + 19.5)]
            tile.mark(np.concatenate([hill, ground]), (44, 44, 46))
            start += 22
        lettering.body_text(tile, rng, (x, start, x + width - 2, bottom - 4), (70, 70, 74))
    middle = (top + bottom) / 2
    tile.stroke([(left, middle), (right, middle)], scaled(paper, 0.8), 1.1)
    texture.crumple(tile, rng, int(rng.integers(110, 200)), rng.choice([0.2, 0.3, 0.4]))


def _envelope(tile: Tile, rng: np.random.Generator, paper: Colour) -> None:
    """Front with stamp and address, or back with the pointed flap."""
    paper = paper if rng.random() < 0.7 else (214, 190, 142)
    left, top, right, bottom = _sheet(tile, rng, paper, rng.uniform(74, 84), rng.uniform(42, 50))
    shade, light = scaled(paper, 0.8), scaled(paper, 1.06)
    if rng.random() < 0.5:
        tip = (50 + rng.uniform(-3, 3), (top + bottom) / 2 + 4)
        for corner in ((left, bottom), (right, bottom)):
            tile.stroke([corner, tip], shade, 0.9)
        tile.mark([(left, top), (right, top), tip], light)
        tile.stroke([(left, top), tip, (right, top)], scaled(paper, 0.7), 1.2)
        return
    tile.mark(outline.box(right - 9, top + 9, 11, 12), pick(rng, BRIGHT))
    tile.mark(outline.box(right - 9, top + 9, 7.5, 8.5), scaled(pick(rng, BRIGHT), 1.3))
    for ring in (6.0, 4.0):
        mark = outline.ellipse(right - 20, top + 9, ring, ring)
        tile.stroke(np.concatenate([mark, mark[:1]]), (70, 70, 90), 0.5)
    if rng.random() < 0.55:
        window = outline.rounded(left + 24, bottom - 14, 34, 15, 2.5)
        tile.mark(window, (206, 214, 220))
        lettering.body_text(tile, rng, (left + 10, bottom - 19, left + 36, bottom - 10))
    else:
        _handwriting(tile, rng, left + 28, left + 56, np.arange(top + 22, bottom - 6, 5.0))
    lettering.body_text(tile, rng, (left + 4, top + 4, left + 20, top + 9))


def _notes(tile: Tile, rng: np.random.Generator, paper: Colour) -> None:
    """A page torn from a ring binder: ruled, a red margin, holes, handwriting."""
    left, top, right, bottom = _sheet(tile, rng, paper, rng.uniform(54, 62), rng.uniform(74, 84))
    rules = np.arange(top + 11, bottom - 3, 4.4)
    for y in rules:
        tile.stroke([(left, y), (right, y)], (136, 172, 220), 0.5)
    tile.stroke([(left + 10, top), (left + 10, bottom)], (222, 90, 96), 0.7)
    _handwriting(tile, rng, left + 12, right - 5, rules[: int(rng.integers(5, len(rules)))])
    for share in (0.15, 0.5, 0.85):
        tile.clear(outline.ellipse(left + 4.5, top + (bottom - top) * share, 1.7, 1.7))
    texture.crumple(tile, rng, int(rng.integers(120, 220)), rng.choice([0.2, 0.3, 0.5]))


def _receipt(tile: Tile, rng: np.random.Generator, paper: Colour) -> None:
    """Long, narrow, curling: shop name, items with prices, a bar code."""
    left, top, right, bottom = _sheet(tile, rng, paper, rng.uniform(25, 31), rng.uniform(78, 86))
    name = (left + 6, top + 4, right - 6, top + 10)
    lettering.word(tile, pick(rng, ("SHOP", "MARKET", "CAFE")), name, INK)
    lettering.body_text(tile, rng, (left + 3, top + 14, left + 16, bottom - 30), (84, 84, 92))
    lettering.body_text(tile, rng, (right - 8, top + 14, right - 3, bottom - 30), (84, 84, 92))
    tile.stroke([(left + 3, bottom - 27), (right - 3, bottom - 27)], INK, 0.5)
    lettering.word(tile, "TOTAL 9.85", (left + 3, bottom - 24, right - 3, bottom - 19), INK)
    lettering.bar_code(tile, rng, (left + 4, bottom - 15, right - 4, bottom - 5))
    for share in (0.2, 0.48, 0.8):
        y = top + (bottom - top) * (share + rng.uniform(-0.05, 0.05))
        tile.stroke([(left, y), (right, y)], scaled(paper, 0.84), 2.2)


def _sheet(
    tile: Tile, rng: np.random.Generator, paper: Colour, width: float, height: float
) -> tuple[float, float, float, float]:
    """A rectangle with worn corners, sometimes one folded over; returns its four edges."""
    left, top, right, bottom = 50 - width / 2, 50 - height / 2, 50 + width / 2, 50 + height / 2
    tile.part(outline.bent(rng, outline.box(50, 50, width, height), 1.2), paper)
    if rng.random() < 0.4:
        ear = rng.uniform(7, 13)
        tile.clear([(right - ear, bottom + 2), (right + 2, bottom - ear), (right + 2, bottom + 2)])
        flap = [(right - ear, bottom + 1), (right + 1, bottom - ear), (right - ear, bottom - ear)]
        tile.mark(flap, scaled(paper, 0.82))
    return left, top, right, bottom


def _creases(
    tile: Tile, left: float, right: float, top: float, bottom: float, paper: Colour
) -> None:
    """Folded in three for an envelope."""
    for share in (1 / 3, 2 / 3):
        y = top + (bottom - top) * share
        tile.stroke([(left, y), (right, y)], scaled(paper, 0.78), 0.9)
        tile.stroke([(left, y + 1), (right, y + 1)], scaled(paper, 1.08), 0.7)


def _handwriting(
    tile: Tile,
    rng: np.random.Generator,
    left: float,
    right: float,
    baselines: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    """Loops along each baseline, in one pen, each line ending where it likes."""
    pen = pick(rng, _PEN)
    for y in baselines:
        end = right - rng.uniform(0, (right - left) * 0.4)
        step = np.arange(int((end - left) / 0.45))
        words = np.clip(3.0 * np.abs(np.sin(step * 0.16 + rng.uniform(0, 6))) - 0.5, 0.0, 1.0)
        height = np.sin(step * 1.7) * rng.uniform(0.3, 1.7, step.size) * words
        x = left + 0.45 * step + 0.5 * np.cos(step * 1.7)
        tile.stroke(np.stack([x, y - 1.2 + height], axis=1), pen, 0.45)


# A kind that is named twice is seen twice as often.
_KINDS = (
    _ball,
    _ball,
    _letter,
    _letter,
    _newspaper,
    _newspaper,
    _envelope,
    _notes,
    _receipt,
)
