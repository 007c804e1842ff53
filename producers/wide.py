"""Arithmetic of 128-bit numbers, many at a time, as PCG64 needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]

_MULTIPLIER_HIGH = np.uint64(0x2360ED051FC65DA4)
_MULTIPLIER_LOW = np.uint64(0x4385DF649FCCF645)
_QUARTER = np.uint64(32)
_LOW_QUARTER = np.uint64(0xFFFFFFFF)


@dataclass(slots=True)
class Wide:
    """Unsigned numbers modulo 2^128, as two arrays of the same length."""

    high: Halves
    low: Halves

    def __add__(self, other: Wide) -> Wide:
        low = self.low + other.low
        carry = (low < self.low).astype(np.uint64)
        return Wide(self.high + other.high + carry, low)

    def times_pcg64(self) -> Wide:
        """Times the multiplier of PCG64."""
        lower, upper = self.low & _LOW_QUARTER, self.low >> _QUARTER
        lower_by, upper_by = _MULTIPLIER_LOW & _LOW_QUARTER, _MULTIPLIER_LOW >> _QUARTER
        least, crossed, across = lower * lower_by, lower * upper_by, upper * lower_by
        middle = (least >> _QUARTER) + (crossed & _LOW_QUARTER) + (across & _LOW_QUARTER)
        carry = upper * upper_by + (crossed >> _QUARTER) + (across >> _QUARTER)
        high = carry + (middle >> _QUARTER) + self.high * _MULTIPLIER_LOW
        return Wide(high + self.low * _MULTIPLIER_HIGH, self.low * _MULTIPLIER_LOW)

    def whole(self) -> Iterator[int]:
        """Each number as one."""
        for high, low in zip(self.high.tolist(), self.low.tolist(), strict=True):
            yield high << 64 | low
