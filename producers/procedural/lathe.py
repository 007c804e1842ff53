"""Solids of revolution lying on their side: bottles, cans, jars, tubes, cups.

A profile is a float array [stations, 3] of (x, y_top, y_bottom) in tile units along the axis. The
surface between top and bottom is cut into strips that follow the profile, each with the colour and
cover its finish has at that angle; shoulders and dents are so shaded with no further work.

A finish is a uint8 array [STRIPS, 4] of (red, green, blue, cover) from the top edge to the bottom.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from producers.procedural.palette import Colour
from producers.procedural.tile import Tile

STRIPS = 20
Profile = npt.NDArray[np.float64]
Finish = npt.NDArray[np.uint8]


def profile(stations: Sequence[tuple[float, float]], axis_y: float = 50.0) -> Profile:
    """The profile with the given (x, radius) about a straight axis."""
    rows = np.asarray(stations, dtype=np.float64)
    return np.stack([rows[:, 0], axis_y - rows[:, 1], axis_y + rows[:, 1]], axis=1)


def section(whole: Profile, start_x: float, end_x: float) -> Profile:
    """The part of a profile between two places on its axis, for labels and bands."""
    inside = whole[(whole[:, 0] > start_x) & (whole[:, 0] < end_x), 0]
    x = np.concatenate([[start_x], inside, [end_x]])
    return np.stack(
        [x, np.interp(x, whole[:, 0], whole[:, 1]), np.interp(x, whole[:, 0], whole[:, 2])], axis=1
    )


def turn(tile: Tile, shape: Profile, finish: Finish) -> None:
    """Add the solid with this profile to the tile."""
    lines = np.empty((STRIPS + 1, len(shape), 2))
    lines[:, :, 0] = shape[:, 0]
    lines[:, :, 1] = shape[:, 1] + _SHARES * (shape[:, 2] - shape[:, 1])
    strips = np.concatenate([lines[:-1], lines[1:, ::-1]], axis=1)
    for strip, (red, green, blue, cover) in zip(strips, finish.tolist(), strict=True):
        tile.part(strip, (red, green, blue), cover)


@lru_cache(maxsize=256)
def gloss(colour: Colour) -> Finish:
    """Smooth and opaque: painted tin, hard plastic; one highlight along the upper third."""
    return _finish(colour, _BODY, _lobe(-0.42, 0.10) * 0.75 + _lobe(0.70, 0.08) * 0.15)


@lru_cache(maxsize=256)
def matte(colour: Colour) -> Finish:
    """Dull and opaque: cardboard, a paper label."""
    return _finish(colour, _BODY, np.zeros(STRIPS))


@lru_cache(maxsize=256)
def metal(colour: Colour) -> Finish:
    """Bare or lacquered metal: the lamps and the dark hall mirrored in hard bands."""
    mirror = 0.72 + 0.34 * np.cos(_ACROSS * 9.0 + 0.6) - 0.25 * _ACROSS**2
    return _finish(colour, mirror, _lobe(-0.38, 0.09) * 0.9 + _lobe(0.52, 0.07) * 0.5)


@lru_cache(maxsize=256)
def clear(colour: Colour, body: int, rim: int) -> Finish:
    """Seen through: the belt shows in the middle (`body` cover) and less at the rim (`rim`)."""
    light = 0.55 + 0.55 * (1.0 - np.abs(_ACROSS))
    shine = _lobe(-0.55, 0.09) + _lobe(0.62, 0.06) * 0.6
    finish = _finish(colour, light, shine)
    cover = body + (rim - body) * np.abs(_ACROSS) ** 3 + shine * 150
    finish[:, 3] = np.clip(cover, 0, 255).astype(np.uint8)
    return finish


def _lobe(centre: float, width: float) -> npt.NDArray[np.float64]:
    lobe: npt.NDArray[np.float64] = np.exp(-0.5 * ((_ACROSS - centre) / width) ** 2)
    return lobe


def _finish(
    colour: Colour, light: npt.NDArray[np.float64], shine: npt.NDArray[np.float64]
) -> Finish:
    lit = np.asarray(colour, dtype=np.float64) * light[:, None]
    lit += (255.0 - np.minimum(lit, 255.0)) * np.minimum(shine, 1.0)[:, None]
    opaque = np.full((STRIPS, 1), 255.0)
    finish: Finish = np.clip(np.concatenate([lit, opaque], axis=1), 0, 255).astype(np.uint8)
    return finish


# The lines between the strips, as shares of the way from top to bottom.
_SHARES: npt.NDArray[np.float64] = np.linspace(0.0, 1.0, STRIPS + 1)[:, None]
# -1 at the top edge, +1 at the bottom, at the middle of each strip.
_ACROSS: npt.NDArray[np.float64] = (np.arange(STRIPS) + 0.5) / STRIPS * 2.0 - 1.0
# A lamp above and behind the camera: bright a little above the axis, dark at both edges.
_BODY: npt.NDArray[np.float64] = 0.42 + 0.68 * np.sqrt(
    np.clip(1.0 - ((_ACROSS + 0.15) / 1.2) ** 2, 0.0, 1.0)
)
