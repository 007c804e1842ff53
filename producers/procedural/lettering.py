"""Print: headline words, body text, bar codes. All as "L" masks, made once and kept."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from producers.procedural.palette import INK, Colour
from producers.procedural.tile import UNITS, Box, Tile

_WORD_PX = 40
_LINE_PX = 9
_PAGE_PX = 384
_SYLLABLES = (
    *("lo", "rem", "sit", "ame", "con", "tur", "vel"),
    *("qui", "sed", "ut", "mag", "na", "pro"),
)


def word(tile: Tile, text: str, box: Box, ink: Colour) -> None:
    """`text` in large letters, stretched over `box`."""
    tile.stamp(_letters(text), box, ink)


def body_text(tile: Tile, rng: np.random.Generator, box: Box, ink: Colour = INK) -> None:
    """Lines of small print, ragged on the right, that fill `box`."""
    left, top, right, bottom = box
    scale = tile.side_px / UNITS
    width_px = min(_PAGE_PX, max(1, round((right - left) * scale)))
    height_px = min(_PAGE_PX, max(1, round((bottom - top) * scale)))
    start_px = int(rng.integers(0, (_PAGE_PX - height_px) // _LINE_PX + 1)) * _LINE_PX
    page = _page().crop((0, start_px, width_px, start_px + height_px))
    tile.stamp(page, box, ink)


def bar_code(tile: Tile, rng: np.random.Generator, box: Box, ink: Colour = INK) -> None:
    """Upright bars of uneven width over `box`."""
    left, top, right, bottom = box
    edges = np.sort(rng.uniform(left, right, 14))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        tile.mark([(start, top), (end, top), (end, bottom), (start, bottom)], ink)


def prepare() -> None:
    """Set the page that body text is cut from."""
    _page()


@lru_cache(maxsize=64)
def _letters(text: str) -> Image.Image:
    font = ImageFont.load_default(_WORD_PX)
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2), 0)
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, fill=255, font=font, stroke_width=1)
    return mask


@lru_cache(maxsize=1)
def _page() -> Image.Image:
    rng = np.random.default_rng(np.random.SeedSequence([20_240_229, 5]))
    font = ImageFont.load_default(_LINE_PX)
    page = Image.new("L", (_PAGE_PX, _PAGE_PX), 0)
    pen = ImageDraw.Draw(page)
    syllables = np.array(_SYLLABLES)
    for top in range(0, _PAGE_PX, _LINE_PX):
        words = ["".join(rng.choice(syllables, int(rng.integers(1, 4)))) for _ in range(26)]
        pen.text((0, top - 1), " ".join(words), fill=235, font=font)
    return page
