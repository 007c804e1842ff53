"""What is watched of an item: one of 256 levels for each statistic, and what a level stands for.

Levels bound what the watch has to remember, however long a run is: it counts them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEVELS = 256
_TOP = LEVELS - 1
_PER_OCTAVE = 24
_RATIO_PER_OCTAVE = 64
_PER_LOGIT = 12
_PER_ASINH, _NO_ENERGY = 44, 192
"""Finer near 0; from -39 to 2 levels differ."""

Levels = Sequence[int | None]
"""In the order of `STATISTICS`; None where an item has none."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """`words`: what its levels stand for, for people.

    `shows_some`: that some items are far off, among others that are not, is worth a notice.
    """

    name: str
    words: Callable[[int], str]
    is_of_picture: bool = True
    shows_some: bool = True


def light_level(mean: float) -> int:
    """`mean`: grey level of the picture, 0..255."""
    return _clipped(mean)


def sharpness_level(contrast: float) -> int:
    """`contrast`: mean difference of neighbours along a line, in shares of the light."""
    return _clipped(_TOP + _PER_OCTAVE * math.log2(max(contrast, 1e-6)))


def ratio_level(ratio: float) -> int:
    """`ratio`: red to green, or blue to green."""
    return _clipped(LEVELS / 2 + _RATIO_PER_OCTAVE * math.log2(min(max(ratio, 1e-3), 1e3)))


def confidence_level(confidence: float) -> int:
    """0..1; levels are finer towards the ends, where most answers are."""
    share = min(max(confidence, 1e-6), 1 - 1e-6)
    return _clipped(LEVELS / 2 + _PER_LOGIT * math.log(share / (1 - share)))


def energy_level(energy: float) -> int:
    """−ln Σ exp(logit), of any model."""
    return _clipped(_NO_ENERGY + _PER_ASINH * math.asinh(energy))


def _clipped(value: float) -> int:
    return min(_TOP, max(0, round(value)))


def _light(level: int) -> str:
    return f"{100 * level / _TOP:.0f} %"


def _sharpness(level: int) -> str:
    return f"{100 * 2 ** ((level - _TOP) / _PER_OCTAVE):.1f} %"


def _ratio(level: int) -> str:
    return f"{2 ** ((level - LEVELS / 2) / _RATIO_PER_OCTAVE):.2f}"


def _confidence(level: int) -> str:
    return f"{1 / (1 + math.exp((LEVELS / 2 - level) / _PER_LOGIT)):.2f}"


def _energy(level: int) -> str:
    return f"{math.sinh((level - _NO_ENERGY) / _PER_ASINH):.2f}"


STATISTICS = (
    Statistic("confidence", _confidence, is_of_picture=False, shows_some=False),
    Statistic("energy", _energy, is_of_picture=False),
    Statistic("light", _light),
    Statistic("sharpness", _sharpness),
    Statistic("red to green", _ratio),
    Statistic("blue to green", _ratio),
)
PICTURE_STATISTICS = sum(each.is_of_picture for each in STATISTICS)
"""They stand behind those of the answer."""
