"""Where recovery was lost: every item that was not recovered has one cause, and the causes add up.

Only items whose true class is known take part. An item is *recovered* if it was ejected into its
own bin or, of the residue class, rightly left on the belt; any other is lost to the first thing on
its way that cost it: it never left the camera (dropped), no worker began in time (expired), it
could not be processed (failed), the answer came after the deadline (late), the model was not sure
enough (low confidence), or it was sure and wrong (classification).

Amounts are whole numbers, so that sums are exact: fed = recovered + lost, and lost = the sum of its
causes, by items, by mass and by value, for each class and for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from line.outcome import Verdict


class Cause(StrEnum):
    """What cost an item, from the end of its way to the beginning."""

    CLASSIFICATION = "classification"
    LOW_CONFIDENCE = "low_confidence"
    LATE = "late"
    EXPIRED = "expired"
    DROPPED = "dropped"
    FAILED = "failed"


MEANINGS = {
    Cause.CLASSIFICATION: "sure and wrong: another bin, or left on the belt",
    Cause.LOW_CONFIDENCE: "left on the belt on purpose, less sure than the threshold",
    Cause.LATE: "answered after the deadline",
    Cause.EXPIRED: "deadline passed before a worker began",
    Cause.DROPPED: "never left the camera",
    Cause.FAILED: "could not be processed",
}
"""The words printed beside each cause."""

_CAUSES = {
    verdict.value: Cause(verdict.value).value
    for verdict in Verdict
    if verdict.value in frozenset(Cause)
}
"""An item that was not recovered and has another verdict was classified wrongly."""
RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Amount:
    """Some items: how many, how heavy, worth how much."""

    items: int = 0
    micrograms: int = 0
    nanovalue: int = 0
    """billionths of the currency that `value_per_t` is in"""

    @classmethod
    def of(cls, items: int, mass_g: float, value_per_t: float) -> Amount:
        """Of so many equal items. What one of them weighs and is worth is rounded, no sum is."""
        micrograms = round(Fraction(mass_g) * 10**6)
        nanovalue = round(Fraction(mass_g) * Fraction(value_per_t) * 10**3)
        return cls(items, items * micrograms, items * nanovalue)

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.items + other.items,
            self.micrograms + other.micrograms,
            self.nanovalue + other.nanovalue,
        )

    @property
    def mass_g(self) -> float:
        return self.micrograms / 10**6

    @property
    def value(self) -> float:
        return self.nanovalue / 10**9


@dataclass(frozen=True, slots=True)
class Attribution:
    """What became of the items of one class, or of all."""

    recovered: Amount = Amount()
    causes: Mapping[Cause, Amount] = field(default_factory=lambda: dict.fromkeys(Cause, Amount()))
    """every cause, also one that cost nothing"""

    @property
    def lost(self) -> Amount:
        return sum(self.causes.values(), Amount())

    @property
    def fed(self) -> Amount:
        return self.recovered + self.lost

    def __add__(self, other: Attribution) -> Attribution:
        causes = {cause: self.causes[cause] + other.causes[cause] for cause in Cause}
        return Attribution(self.recovered + other.recovered, causes)


def attribute(
    items: pd.DataFrame, classes: Iterable[str], residue_class: str, prices: Mapping[str, float]
) -> dict[str, Attribution]:
    """The attribution of each class over `items` (rows of results.csv, one an item).

    `prices`: value of a tonne by class; a class that is not named is worth nothing.
    """
    found = {name: Attribution() for name in classes}
    masses_g = items["mass_g"].where(np.isfinite(items["mass_g"]), 0.0)
    kinds = [items["true_class"], fates_of(items, residue_class), masses_g]
    counts = items.groupby(kinds).size()
    for (name, fate, mass_g), count in zip(counts.index, counts, strict=True):
        amount = Amount.of(int(count), float(mass_g), prices.get(name, 0.0))
        found[name] = found.get(name, Attribution()) + _alone(fate, amount)
    return found


def total(attributions: Iterable[Attribution]) -> Attribution:
    """All classes together."""
    return sum(attributions, Attribution())


def fates_of(items: pd.DataFrame, residue_class: str) -> pd.Series[str]:
    """Of each item the cause that it was lost to, or "recovered"; missing without a true class."""
    truth, verdict = items["true_class"], items["verdict"]
    ejected = verdict.isin([Verdict.SORTED, Verdict.MISSORTED]) & (
        items["predicted_class"] == truth
    )
    left = (verdict == Verdict.RESIDUE_OK) & (truth == residue_class)
    recovered = (ejected & (truth != residue_class)) | left
    causes = verdict.map(_CAUSES).fillna(Cause.CLASSIFICATION.value)
    fates: pd.Series[str] = causes.mask(recovered, RECOVERED).where(truth.notna()).rename("fate")
    return fates


def as_json(found: Attribution, belt_s: float | None) -> dict[str, Any]:
    """The amounts as JSON values; rates are an hour of the `belt_s` fed, null if unknown."""
    return {
        "fed": _amount(found.fed, belt_s),
        "recovered": _amount(found.recovered, belt_s),
        "lost": _amount(found.lost, belt_s),
        "causes": {cause.value: _amount(found.causes[cause], belt_s) for cause in Cause},
    }


def _alone(fate: str, amount: Amount) -> Attribution:
    if fate == RECOVERED:
        return Attribution(amount)
    return Attribution(causes={cause: amount if cause == fate else Amount() for cause in Cause})


def _amount(amount: Amount, belt_s: float | None) -> dict[str, float | None]:
    per_h = 3600 / belt_s if belt_s else None
    return {
        "items": amount.items,
        "mass_g": amount.mass_g,
        "value": amount.value,
        "t_per_h": None if per_h is None else round(amount.mass_g / 1e6 * per_h, 6),
        "value_per_h": None if per_h is None else round(amount.value * per_h, 6),
    }
