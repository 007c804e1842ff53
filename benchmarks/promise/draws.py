"""Made-up scores whose true purity is known at every threshold, and the promises made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from line.promise.threshold import DIGITS, choose

Floats = NDArray[np.float64]
Risk = Callable[[Floats], Floats]
RISKS: dict[str, Risk] = {
    "falls to none": lambda sure: 0.5 * (1 - sure) ** 1.3,
    "0.2 % of the surest are wrong": lambda sure: 0.002 + 0.3 * (1 - sure) ** 1.3,
    "jumps at 0.9": lambda sure: np.where(sure > 0.9, 0.001, 0.2),
}
"""Probability that an answer of a confidence is wrong."""
ALWAYS = "a little too high everywhere"
"""The worst case for a bound: whatever is promised is wrong."""
_A_LITTLE = 1.02
_POPULATION = 400_000
_SHAPE = (6.0, 1.0)
"""Of the beta distribution that confidences are drawn from: most are sure."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Shares of the draws of `labels` labels: a promise was `made`, a promise `failed`.

    `coverage`: of what was taken for the class, let through on the average, nothing where no
    promise was made; `best`: the same at the lowest threshold whose true purity is as promised.
    """

    risk: str
    purity: float
    labels: int
    made: float
    failed: float
    coverage: float
    best: float


def all_drawn(draws: int, counts: tuple[int, ...], purities: tuple[float, ...]) -> Iterator[Drawn]:
    """Of every risk; the seed is that of the numbers alone."""
    for purity in purities:
        risks: dict[str, Risk] = {**RISKS, ALWAYS: partial(_always, 1 - purity)}
        for name, risk in risks.items():
            for labels in counts:
                yield drawn(name, risk, purity, labels, draws)


def _always(rate: float, sure: Floats) -> Floats:
    return np.full_like(sure, _A_LITTLE * rate)


def drawn(name: str, risk: Risk, purity: float, labels: int, draws: int) -> Drawn:
    """Promises made of `draws` sets of labels."""
    sure = np.sort(np.random.default_rng(1).beta(*_SHAPE, _POPULATION))[::-1]
    true_purity = 1 - np.cumsum(risk(sure)) / np.arange(1, _POPULATION + 1)
    rng = np.random.default_rng(28)
    reach = np.zeros(draws, np.int64)
    for number in range(draws):
        seen = np.round(rng.beta(*_SHAPE, labels), DIGITS)
        found = choose(seen, rng.random(labels) >= risk(seen), purity)
        if found is not None:
            reach[number] = np.searchsorted(-sure, -found.threshold, side="right")
    made = reach > 0
    good = np.flatnonzero(true_purity >= purity)
    return Drawn(
        risk=name,
        purity=purity,
        labels=labels,
        made=float(made.mean()),
        failed=float((made & (true_purity[np.maximum(reach, 1) - 1] < purity)).mean()),
        coverage=float(reach.mean()) / _POPULATION,
        best=float(good[-1] + 1) / _POPULATION if len(good) else 0.0,
    )
