"""Items by verdict over belt time, counted without knowing how long the run will be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.charts.plot import nice_step
from reports.wording import LEGEND

_BARS = 40
_SHORTEST_S = 0.1
"""A run is shown as if it had lasted so long."""
_MOST_BINS = 4096
_NAMES = [entry.verdict.value for entry in LEGEND]

Counts = npt.NDArray[np.int64]


class Timeline:
    """Counts in bins of a power of ten, ten times as wide whenever there would be too many."""

    def __init__(self) -> None:
        self._power = -3
        self._counts: Counts = np.zeros((len(LEGEND), 1), np.int64)
        self.last_s = -np.inf
        """belt time of the last trigger"""

    def add(self, items: pd.DataFrame) -> None:
        """Take rows of results.csv."""
        if not len(items):
            return
        moments_s = items["scheduled_s"].to_numpy(np.float64)
        self.last_s = max(self.last_s, float(moments_s.max()))
        while self.last_s / self._bin_s > _MOST_BINS:
            self._counts = _merged(self._counts, 10)
            self._power += 1
        index = np.floor(moments_s / self._bin_s + 1e-9).astype(np.int64)
        bins = max(self._counts.shape[1], int(index.max()) + 1)
        self._counts = _widened(self._counts, bins)
        layer = pd.Categorical(items["verdict"], categories=_NAMES).codes.astype(np.int64)
        counted = np.bincount(layer * bins + index, minlength=len(LEGEND) * bins)
        self._counts += counted.reshape(len(LEGEND), bins)

    @property
    def step_s(self) -> float:
        """Belt time that one bar stands for."""
        return nice_step(max(self.last_s, _SHORTEST_S), _BARS)

    def bars(self) -> Counts:
        """[verdict in the order of the legend, bar]: at most 41 bars. Needs at least one item."""
        step_s = self.step_s
        last = int(np.floor(self.last_s / step_s + 1e-9))
        bars = _merged(self._counts, round(step_s / self._bin_s))
        return _widened(bars, last + 1)[:, : last + 1]

    @property
    def _bin_s(self) -> float:
        return float(10.0**self._power)


def _widened(counts: Counts, bins: int) -> Counts:
    return np.pad(counts, ((0, 0), (0, max(0, bins - counts.shape[1]))))


def _merged(counts: Counts, factor: int) -> Counts:
    """`factor` bins in the place of one."""
    bins = -(-counts.shape[1] // factor)
    wide = _widened(counts, bins * factor)
    merged: Counts = wide.reshape(len(counts), bins, factor).sum(axis=2)
    return merged
