"""Where recovery was lost: every item that was not recovered has one cause, and the causes add up.

Only items whose true class is known take part. An item is *recovered* if it was ejected into its
own bin or, of the residue class, rightly left on the belt; any other is lost to the first thing on
its way that cost it: it never left the camera (dropped), no worker began in time (expired), it
could not be processed (failed), the answer came after the deadline (late), the model was not sure
enough or the item too strange for it (low confidence), or it was sure and wrong (classification).

Amounts are whole numbers, so that sums are exact: fed = recovered + lost, and lost = the sum of its
causes, by items, by mass and by value, for each class and for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from line.outcome import Verdict
from reports.cross_table import Amount, CrossTable, Key


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
    Cause.LOW_CONFIDENCE: "left on the belt on purpose: too unsure, or too strange",
    Cause.LATE: "answered after the deadline",
    Cause.EXPIRED: "deadline passed before a worker began",
    Cause.DROPPED: "never left the camera",
    Cause.FAILED: "could not be processed",
}
"""The words printed beside each cause."""

_OWN_CAUSE = frozenset(cause.value for cause in Cause)
"""An item that was not recovered and has another verdict was classified wrongly."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What became of the items of one class, or of all."""

    recovered: Amount = field(default_factory=Amount)
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
    table: CrossTable, classes: Iterable[str], residue_class: str
) -> dict[str, Attribution]:
    """The attribution of each class, also of those in `classes` that no item is of."""
    found = {name: Attribution() for name in classes}
    for key, amount in table:
        name = key.true_class
        if name is not None:
            fate = cause_of(key, residue_class)
            found[name] = found.get(name, Attribution()) + _alone(fate, amount)
    return found


def total(attributions: Iterable[Attribution]) -> Attribution:
    """All classes together."""
    return sum(attributions, Attribution())


def cause_of(key: Key, residue_class: str) -> Cause | None:
    """What items of a known class were lost to; None if they were recovered."""
    if key.true_class == residue_class:
        recovered = key.verdict is Verdict.RESIDUE_OK
    else:
        ejected = key.verdict in (Verdict.SORTED, Verdict.MISSORTED)
        recovered = ejected and key.predicted_class == key.true_class
    if recovered:
        return None
    return Cause(key.verdict.value) if key.verdict.value in _OWN_CAUSE else Cause.CLASSIFICATION


def as_json(found: Attribution, belt_s: float | None) -> dict[str, Any]:
    """The amounts as JSON values; rates are an hour of the `belt_s` fed, null if unknown."""
    return {
        "fed": _amount(found.fed, belt_s),
        "recovered": _amount(found.recovered, belt_s),
        "not_recovered": _amount(found.lost, belt_s),
        "causes": {cause.value: _amount(found.causes[cause], belt_s) for cause in Cause},
    }


def _alone(lost_to: Cause | None, amount: Amount) -> Attribution:
    if lost_to is None:
        return Attribution(amount)
    return Attribution(causes={cause: amount if cause is lost_to else Amount() for cause in Cause})


def _amount(amount: Amount, belt_s: float | None) -> dict[str, float | None]:
    per_h = 3600 / belt_s if belt_s else None
    return {
        "items": amount.items,
        "mass_g": amount.mass_g,
        "value": amount.value,
        "t_per_h": None if per_h is None else round(amount.mass_g / 1e6 * per_h, 6),
        "value_per_h": None if per_h is None else round(amount.value * per_h, 6),
    }
