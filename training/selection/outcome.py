"""The outcome of the experiment: figures of every strategy beside those of random choice.

Every interval covers 95% and speaks of the draw of seeds, for the given pictures: another val
folder would move all curves together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from training.selection.coverage import Numbers
from training.selection.labelling import Campaign, Point

Curves = NDArray[np.float64]  # [seeds, budgets]

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95% interval; `inf` where it is beyond what was measured."""

    value: float
    low: float
    high: float


def mean_curve(curves: Curves) -> list[Interval]:
    """Mean over the seeds at each budget, with Student's interval (two seeds or more)."""
    seeds = len(curves)
    means = curves.mean(axis=0)
    half = stats.t.ppf(0.975, seeds - 1) * curves.std(axis=0, ddof=1) / math.sqrt(seeds)
    return [
        Interval(float(m), float(m - h), float(m + h)) for m, h in zip(means, half, strict=True)
    ]


def area(budgets: Numbers, curves: Curves) -> Interval:
    """Area under the learning curve ÷ its width, by trapezia: the mean height, 0 … 1."""
    width = float(budgets[-1] - budgets[0])
    if width == 0:
        return mean_curve(curves)[0]
    areas = np.asarray(np.trapezoid(curves, budgets, axis=1)) / width
    return mean_curve(areas[:, None])[0]


def labels_needed(budgets: Numbers, curve: Numbers, target: float) -> float:
    """Labels at which a mean curve `[budgets]` first reaches `target`, read off between budgets.

    The first budget if it is enough; `inf` if the curve never gets there.
    """
    reached = np.flatnonzero(curve >= target)
    if not len(reached):
        return math.inf
    at = int(reached[0])
    if at == 0:
        return float(budgets[0])
    rise = (target - curve[at - 1]) / (curve[at] - curve[at - 1])
    return float(budgets[at - 1] + rise * (budgets[at] - budgets[at - 1]))


def compare(budgets: Numbers, curves: Curves, random: Curves, target: float) -> Interval:
    """Labels needed ÷ those that random needs, over the same seeds; below 1 saves labels.

    The interval is the percentile bootstrap over seeds (Efron, 1979), pairs drawn together.
    `inf` where the target is not reached, `nan` where random does not reach it.
    """
    rng = np.random.default_rng(0)
    draws = rng.integers(len(curves), size=(RESAMPLES, len(curves)))
    ratios = [_ratio(budgets, curves[draw], random[draw], target) for draw in draws]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    value = _ratio(budgets, curves, random, target)
    if not known or math.isnan(value):
        return Interval(value, math.nan, math.nan)
    low, high = np.percentile(known, [2.5, 97.5], method="nearest")
    return Interval(value, float(low), float(high))


def _ratio(budgets: Numbers, curves: Curves, random: Curves, target: float) -> float:
    theirs = labels_needed(budgets, random.mean(axis=0), target)
    if math.isinf(theirs):
        return math.nan
    return labels_needed(budgets, curves.mean(axis=0), target) / theirs


BASELINE = "random"


@dataclass(frozen=True)
class StrategyOutcome:
    """One strategy: means with intervals at each budget, and what they come to.

    `labels_needed` (`inf`: more than were tried) and `ratio`, to those that random needs, are None
    where there is no target.
    """

    accuracy: tuple[Interval, ...]
    macro_f1: tuple[Interval, ...]
    area: Interval
    labels_needed: float | None
    ratio: Interval | None


@dataclass(frozen=True)
class Outcome:
    """All strategies, largest area first; `full` and `target` are None without the reference."""

    budgets: tuple[int, ...]
    seeds: int
    full: Point | None
    target: float | None
    strategies: Mapping[str, StrategyOutcome]

    @property
    def best(self) -> str:
        """The strategy with the largest area, random apart."""
        return next((name for name in self.strategies if name != BASELINE), BASELINE)


def summarise(
    campaigns: Mapping[str, Sequence[Campaign]], full: Point | None, share: float
) -> Outcome:
    """Put campaigns together: one per seed for each strategy, `random` among them."""
    budgets = tuple(point.labels for point in campaigns[BASELINE][0].points)
    target = None if full is None else share * full.accuracy
    random = _accuracies(campaigns[BASELINE])
    found = {name: _of(played, budgets, random, target) for name, played in campaigns.items()}
    ranked = sorted(found, key=lambda name: -found[name].area.value)
    return Outcome(budgets, len(random), full, target, {name: found[name] for name in ranked})


def _of(
    played: Sequence[Campaign], budgets: tuple[int, ...], random: Curves, target: float | None
) -> StrategyOutcome:
    x = np.array(budgets, dtype=np.float64)
    accuracies = _accuracies(played)
    macro_f1 = np.array([[point.macro_f1 for point in one.points] for one in played])
    return StrategyOutcome(
        accuracy=tuple(mean_curve(accuracies)),
        macro_f1=tuple(mean_curve(macro_f1)),
        area=area(x, accuracies),
        labels_needed=(
            None if target is None else labels_needed(x, accuracies.mean(axis=0), target)
        ),
        ratio=None if target is None else compare(x, accuracies, random, target),
    )


def _accuracies(played: Sequence[Campaign]) -> Curves:
    return np.array([[point.accuracy for point in one.points] for one in played])
