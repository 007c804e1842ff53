"""The report's way down from everything that was fed to what was recovered, cause by cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from line.observe.percent import percent
from reports.attribution import MEANINGS, Cause
from reports.charts.plot import Plot

_BAR_PX = 18
_COLOURS = {Cause.CLASSIFICATION: "missorted"}
"""A cause has its verdict's colour; classification costs by two of them."""
_BEGINNINGS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the waterfall; `amount` as `accounts.attribution.as_json` has it."""

    name: str
    meaning: str
    amount: Mapping[str, Any]
    share: float
    """of the items fed"""
    share_by_mass: float
    bar: Markup


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Its rows from the top, and the share in 0..1 that the bars' axis begins at."""

    begin: float
    steps: tuple[Step, ...]


def waterfall(loss: Mapping[str, Any]) -> Waterfall:
    """Of `summary["loss"]["all"]`. The axis begins where the smallest loss can still be seen."""
    recovered = loss["recovered"]["items"] / loss["fed"]["items"]
    # A tenth of the axis is left below what was recovered, so that its bar can be seen as well.
    begin = next(b for b in _BEGINNINGS if b == 0 or recovered - b >= (1 - b) / 10)
    return Waterfall(begin, tuple(_steps(loss, begin)))


def _steps(loss: Mapping[str, Any], begin: float) -> Iterator[Step]:
    draw = _Bars(loss["fed"], begin)
    yield draw.step("fed", "items of a known class", "v-fed", loss["fed"], 0)
    left = loss["fed"]["items"]
    for cause in Cause:
        amount = loss["causes"][cause]
        left -= amount["items"]
        colour = _COLOURS.get(cause, cause.value)
        yield draw.step(cause.value, MEANINGS[cause], f"v-{colour}", amount, left)
    meaning = "into its own bin, or rightly left on the belt"
    yield draw.step("recovered", meaning, "v-sorted", loss["recovered"], 0)


@dataclass(frozen=True, slots=True)
class _Bars:
    """Bars over an axis from `begin` to 1, in shares of the items `fed`."""

    fed: Mapping[str, Any]
    begin: float

    def step(
        self, name: str, meaning: str, colour: str, amount: Mapping[str, Any], below: int
    ) -> Step:
        """The bar of an amount that stands on `below` items."""
        share = amount["items"] / self.fed["items"]
        plot = Plot(f"{name}: {percent(share)} of the items", _BAR_PX)
        low, high = (self._place(items) for items in (below, below + amount["items"]))
        if high > low:
            plot.box(colour, low, 0, high - low, 100, f"{amount['items']} items")
        mass_g = self.fed["mass_g"]
        by_mass = amount["mass_g"] / mass_g if mass_g else 0.0
        return Step(name, meaning, amount, share, by_mass, plot.svg())

    def _place(self, items: int) -> float:
        share: float = items / self.fed["items"]
        return max(0.0, 100 * (share - self.begin) / (1 - self.begin))
