"""Colours of the things on the belt, and how a colour is varied. A colour is (red, green, blue)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Colour = tuple[int, int, int]
_Choice = TypeVar("_Choice")

WHITE: Colour = (244, 243, 238)
BLACK: Colour = (18, 18, 20)
INK: Colour = (42, 42, 48)
KRAFT: tuple[Colour, ...] = ((176, 132, 84), (190, 147, 98), (160, 116, 72), (198, 158, 110))
TAPE: tuple[Colour, ...] = ((206, 172, 112), (222, 205, 160), (150, 104, 56))
GLASS_GREEN: Colour = (38, 112, 54)
GLASS_AMBER: Colour = (132, 68, 18)
GLASS_CLEAR: Colour = (178, 204, 200)
SILVER: Colour = (188, 192, 198)
BRASS: Colour = (206, 172, 92)
PAPERS: tuple[Colour, ...] = ((240, 239, 234), (232, 230, 222), (246, 246, 246), (236, 229, 208))
NEWSPRINT: tuple[Colour, ...] = ((206, 202, 190), (216, 211, 198), (196, 194, 186))
BRIGHT: tuple[Colour, ...] = (
    (214, 32, 40),
    (24, 92, 192),
    (18, 150, 84),
    (246, 190, 24),
    (236, 108, 22),
    (120, 44, 150),
    (18, 160, 186),
    (226, 60, 132),
)
FOOD: tuple[Colour, ...] = (
    (126, 76, 34),
    (168, 52, 30),
    (92, 122, 44),
    (214, 164, 62),
    (226, 208, 164),
    (84, 50, 30),
    (204, 104, 40),
)


def pick(rng: np.random.Generator, choices: Sequence[_Choice]) -> _Choice:
    """One of `choices`, each as likely as the next."""
    return choices[int(rng.integers(len(choices)))]


def scaled(colour: Colour, factor: float) -> Colour:
    """`colour` under `factor` times the light, clipped at white."""
    red, green, blue = colour
    return (
        min(255, int(red * factor)),
        min(255, int(green * factor)),
        min(255, int(blue * factor)),
    )


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a `share` (0 to 1) of `other` stirred in."""
    return (
        int(one[0] + (other[0] - one[0]) * share),
        int(one[1] + (other[1] - one[1]) * share),
        int(one[2] + (other[2] - one[2]) * share),
    )


def varied(rng: np.random.Generator, colour: Colour, spread: int = 10) -> Colour:
    """`colour` with each channel moved by up to `spread` grey levels."""
    red, green, blue = (
        int(min(255, max(0, channel + shift)))
        for channel, shift in zip(colour, rng.integers(-spread, spread + 1, 3), strict=True)
    )
    return red, green, blue
