"""The outcome of the experiment: figures of every strategy beside those of random choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.selection.efficiency import (
    Curves,
    Interval,
    area,
    compare,
    labels_needed,
    mean_curve,
)
from training.selection.labelling import Campaign, Point

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
