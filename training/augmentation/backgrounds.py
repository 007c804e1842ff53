"""Backgrounds drawn by chance: what an item may lie on that no studio shows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]
from torch import Tensor

Floats = NDArray[np.float64]


def drawn_backgrounds(count: int, side_px: int, seed: int) -> Tensor:
    """uint8 `[count, 3, side_px, side_px]`, the same for the same seed."""
    rng = np.random.default_rng(seed)
    drawn = torch.empty(count, 3, side_px, side_px, dtype=torch.uint8)
    for index in range(count):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        colour = rng.uniform(15, 240) + rng.normal(0, 22, 3)
        picture = np.rot90(_lit(colour + kind(side_px, rng), rng), int(rng.integers(4)))
        pixels = np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))
        drawn[index] = torch.from_numpy(pixels).permute(2, 0, 1)
    return drawn


def _stone(side_px: int, rng: np.random.Generator) -> Floats:
    """Spots of all sizes, as of concrete, sand or earth; their colour differs a little."""
    spots = _spots(side_px, rng.uniform(0.6, 3.2), rng)
    tinted: Floats = rng.uniform(2, 55) * spots[..., None] * (1 + rng.normal(0, 0.25, 3))
    return tinted


def _mixed(side_px: int, rng: np.random.Generator) -> Floats:
    """Stone with large stains of another colour."""
    stains = _spots(side_px, rng.uniform(2, 3.5), rng)
    stone = _stone(side_px, rng)
    return stone + rng.uniform(5, 35) * stains[..., None] * rng.normal(0, 1, 3)


def _fibres(side_px: int, rng: np.random.Generator) -> Floats:
    """Long streaks, as of grass, cloth or wood."""
    widths = (rng.uniform(1, 12), rng.uniform(0.5, 1.5))
    streaks = ndimage.gaussian_filter(rng.standard_normal((side_px, side_px)), widths)
    scaled: Floats = rng.uniform(10, 45) * streaks / streaks.std()
    return _stone(side_px, rng) + scaled[..., None]


def _slats(side_px: int, rng: np.random.Generator) -> Floats:
    """Stripes across, as of a belt or planks, with grain."""
    phase = 2 * np.pi * np.arange(side_px) / rng.uniform(8, 90) + rng.uniform(0, 2 * np.pi)
    stripes = rng.uniform(2, 55) * (np.sin(phase) > rng.uniform(-0.6, 0.95))
    grain = rng.uniform(2, 12) * _spots(side_px, rng.uniform(0.2, 2), rng)
    slats: Floats = (stripes[:, None] + grain)[..., None] * np.ones(3)
    return slats


def _smooth(side_px: int, rng: np.random.Generator) -> Floats:
    """One colour with the sensor's noise."""
    noise = rng.standard_normal((side_px, side_px, 1))
    return rng.uniform(1, 6) * noise * np.ones(3)


KINDS = (_stone, _mixed, _fibres, _slats, _smooth)


def _spots(side_px: int, steepness: float, rng: np.random.Generator) -> Floats:
    """Noise whose power falls with the frequency to the power of `steepness`; deviation 1."""
    each = np.fft.fftfreq(side_px)
    frequency = np.hypot(each[:, None], each)
    frequency[0, 0] = 1
    waves = np.fft.fft2(rng.standard_normal((side_px, side_px))) * frequency ** (-steepness / 2)
    spots = np.fft.ifft2(waves).real
    scaled: Floats = (spots - spots.mean()) / spots.std()
    return scaled


def _lit(picture: Floats, rng: np.random.Generator) -> Floats:
    """With a lamp that stands to one side."""
    side = np.linspace(-1, 1, len(picture))
    x, y = rng.normal(0, 0.18, 2)
    lit: Floats = picture * (1 + x * side + y * side[:, None])[..., None]
    return lit
