"""Closed outlines, as float arrays [points, 2] of (x, y) in tile units (see `tile.py`)."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Outline = npt.NDArray[np.float64]


def _pair(x: float, y: float) -> Outline:
    return np.array([x, y], dtype=np.float64)


def circle(points: int, start: float = 0.0) -> Outline:
    """`points` points of the unit circle, from the angle `start` (radians) on."""
    angles = np.linspace(0.0, 2 * math.pi, points, endpoint=False) + start
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=16)
def _rim(points: int) -> tuple[Outline, Outline]:
    """The unit circle, and the phase of each of _WAVES at each of its points."""
    angles = np.linspace(0.0, 2 * math.pi, points, endpoint=False)
    return circle(points), angles[:, None] * _WAVES


_WAVES = np.arange(2, 7)
_ROUND = circle(36)
_CORNERS = circle(24, math.pi / 48)


def box(centre_x: float, centre_y: float, width: float, height: float) -> Outline:
    """An upright rectangle."""
    left, top = centre_x - width / 2, centre_y - height / 2
    right, bottom = centre_x + width / 2, centre_y + height / 2
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def rounded(
    centre_x: float, centre_y: float, width: float, height: float, radius: float
) -> Outline:
    """An upright rectangle with round corners, six points to a corner."""
    straight = _pair(width / 2 - radius, height / 2 - radius)
    return _pair(centre_x, centre_y) + np.sign(_CORNERS) * straight + _CORNERS * radius


def ellipse(centre_x: float, centre_y: float, radius_x: float, radius_y: float) -> Outline:
    """An ellipse of 36 points."""
    return _pair(centre_x, centre_y) + _ROUND * _pair(radius_x, radius_y)


def blob(
    rng: np.random.Generator,
    centre_x: float,
    centre_y: float,
    radius_x: float,
    radius_y: float,
    roughness: float = 0.1,
    points: int = 30,
) -> Outline:
    """A lumpy ellipse: five waves around the rim, `roughness` of the radius in all."""
    rim, turns = _rim(points)
    heights = rng.uniform(0.3, 1.0, _WAVES.size) * roughness / np.sqrt(_WAVES - 1)
    phases = rng.uniform(0.0, 2 * math.pi, _WAVES.size)
    swell = 1.0 + np.sin(turns + phases) @ heights
    return _pair(centre_x, centre_y) + rim * swell[:, None] * _pair(radius_x, radius_y)


def jagged(
    rng: np.random.Generator,
    start: tuple[float, float],
    end: tuple[float, float],
    depth: float,
    points: int = 14,
) -> Outline:
    """An open torn edge from `start` to `end`, straying up to `depth` to either side."""
    along = np.linspace(0.0, 1.0, points)[:, None]
    line = _pair(*start) + along * (_pair(*end) - _pair(*start))
    line[1:-1] += rng.uniform(-depth, depth, (points - 2, 2))
    return line


def bent(rng: np.random.Generator, outline: Outline, amount: float) -> Outline:
    """`outline` with every point moved by up to `amount` in x and y."""
    return outline + rng.uniform(-amount, amount, outline.shape)


def turned(outline: Outline, degrees: float, about: tuple[float, float]) -> Outline:
    """`outline` turned about a point, from +x towards +y."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    pivot = _pair(*about)
    matrix = np.array([[cosine, sine], [-sine, cosine]], dtype=np.float64)
    spun: Outline = (outline - pivot) @ matrix
    return spun + pivot


def slid(outline: Outline, x: float, y: float) -> Outline:
    """`outline` moved by (x, y)."""
    return outline + _pair(x, y)
