"""A distribution of durations: exact while it is small, then within a thousandth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

EXACT_VALUES = 2_000_000
"""Up to so many values every figure is exact."""
_RATIO = math.log(1.001)
"""Beyond, values are counted in bins whose ends are a thousandth apart; their middles stand in."""
_LEAST = 1e-4
_BINS = math.ceil(math.log(1e12 / _LEAST) / _RATIO) + 1

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Distribution:
    """Of finite values. Those of 0.0001 or less, which no duration in ms has, fall together."""

    def __init__(self) -> None:
        self._parts: list[Values] = []
        self._bins: Counts | None = None
        self.count = 0
        self.least = math.inf
        self.most = -math.inf

    def add(self, values: Values) -> None:
        """Take some more."""
        if not len(values):
            return
        self.count += len(values)
        self.least = min(self.least, float(values.min()))
        self.most = max(self.most, float(values.max()))
        self._parts.append(values)
        if self._bins is not None or self.count > EXACT_VALUES:
            self._fold()

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest value; of nothing infinite."""
        return self.least, self.most

    def values(self) -> tuple[Values, Counts]:
        """Values and how often each is there: as they came, or those that stand for others."""
        if self._bins is None:
            every = np.concatenate([np.empty(0), *self._parts])
            return every, np.ones(len(every), np.int64)
        used = np.flatnonzero(self._bins)
        middles = _LEAST * np.exp((used + 0.5) * _RATIO)
        return np.clip(middles, self.least, self.most), self._bins[used]

    def _fold(self) -> None:
        if self._bins is None:
            self._bins = np.zeros(_BINS, np.int64)
        for part in self._parts:
            place = np.log(np.maximum(part, _LEAST) / _LEAST) / _RATIO
            index = np.minimum(place.astype(np.int64), _BINS - 1)
            self._bins += np.bincount(index, minlength=_BINS)
        self._parts.clear()


def quantiles(parts: Sequence[Distribution], shares: Sequence[float]) -> list[float]:
    """Of all `parts` together, which have at least one value; shares in 0..1."""
    found = [part.values() for part in parts]
    values = np.concatenate([each for each, _ in found])
    counts = np.concatenate([each for _, each in found])
    if int(counts.sum()) == len(values):
        return [float(each) for each in pd.Series(values).quantile(list(shares))]
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[order])
    most = max(part.most for part in parts)
    ranks = [math.ceil(share * int(reached[-1])) for share in shares]
    places = np.searchsorted(reached, ranks)
    return [
        most if share >= 1 else float(values[order][place])
        for share, place in zip(shares, places, strict=True)
    ]
