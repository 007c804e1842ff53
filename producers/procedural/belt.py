"""The belt itself: one long strip of worn black rubber per picture size, made once.

Every picture shows a stretch of it. The strip is the same in every process and for every material,
so the background tells nothing about the item.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from producers.procedural.texture import smooth_noise

_STRETCHES = 8  # the strip's length in picture widths
_RUBBER = np.array([54.0, 56.0, 58.0])


def stretch(rng: np.random.Generator, width_px: int, height_px: int) -> Image.Image:
    """A random stretch of empty belt, as an RGB image of its own."""
    strip = _strip(width_px, height_px)
    left = int(rng.integers(0, strip.width - width_px + 1))
    return strip.crop((left, 0, left + width_px, height_px))


def prepare(width_px: int, height_px: int) -> None:
    """Make the strip for pictures of this size."""
    _strip(width_px, height_px)


@lru_cache(maxsize=4)
def _strip(width_px: int, height_px: int) -> Image.Image:
    rng = np.random.default_rng(np.random.SeedSequence([20_240_229, 6, width_px, height_px]))
    length_px = width_px * _STRETCHES
    light = 1.0 + 0.16 * smooth_noise(rng, length_px, height_px, 14)
    light += 0.07 * smooth_noise(rng, length_px, height_px, 120)
    light += _weave(length_px, height_px)
    light += rng.normal(0.0, 0.045, (height_px, length_px))
    light *= 1.0 + 0.1 * np.sin(np.linspace(0.0, 6.0, length_px))
    rubber = np.clip(light[:, :, None] * _RUBBER, 0, 255).astype(np.uint8)
    strip = Image.fromarray(rubber)
    _wear(strip, rng)
    return strip.filter(ImageFilter.GaussianBlur(0.6))


def _weave(length_px: int, height_px: int) -> npt.NDArray[np.float64]:
    """The fine diamond embossing of a conveyor's top cover."""
    turn = 4 * np.pi / 9.0  # of a pixel; cos(a + b) · cos(a - b) = (cos 2a + cos 2b) ÷ 2
    down, along = np.cos(turn * np.arange(height_px)), np.cos(turn * np.arange(length_px))
    weave: npt.NDArray[np.float64] = 0.0225 * (down[:, None] + along)
    return weave


def _wear(strip: Image.Image, rng: np.random.Generator) -> None:
    """Scuffs along the travel, dust, and the slanting splices that close the belt."""
    pen = ImageDraw.Draw(strip, "RGBA")
    length_px, height_px = strip.size
    for _ in range(140):
        x, y = rng.uniform(0, length_px), rng.uniform(0, height_px)
        run, slope = rng.uniform(15, 130), rng.uniform(-4, 4)
        tone = (120, 118, 112, int(rng.integers(12, 46)))
        pen.line((x, y, x + run, y + slope), fill=tone, width=int(rng.integers(1, 3)))
    for _ in range(length_px * height_px // 520):
        x, y = rng.uniform(0, length_px), rng.uniform(0, height_px)
        size, grey = rng.uniform(0.4, 1.3), int(rng.integers(95, 175))
        alpha = int(rng.integers(40, 150))
        pen.ellipse((x - size, y - size, x + size, y + size), fill=(grey, grey, grey - 8, alpha))
    for splice in range(3):
        x = (splice + 0.55) * length_px / 3
        lean = height_px * 0.22
        pen.line((x, 0, x - lean, height_px), fill=(22, 22, 24, 220), width=3)
        pen.line((x + 3, 0, x - lean + 3, height_px), fill=(96, 96, 98, 150), width=1)
