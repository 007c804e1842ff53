"""Purity and recovery: what the bins hold and what the line got out of the stream.

Only items whose true class is known take part. An item is *ejected* if its verdict is `sorted` or
`missorted`; the bin it lands in is that of its predicted class. The residue class has no bin: it
runs off the end of the belt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from line.outcome import Verdict

FORMULAS = {
    "purity": "right items ejected into a bin ÷ all items ejected into it",
    "recovery": "items of a class ejected into its own bin ÷ its items fed "
    "(residue: rightly left on the belt ÷ fed)",
    "lost": "fed − recovered = classification + low_confidence + late + expired + dropped + failed",
    "accuracy": "right predictions ÷ all classified items with a known class",
    "in time": "items answered before their deadline ÷ items fed",
    "throughput": "answers ÷ wall time; t/h = mass fed ÷ belt time to the last trigger",
}
"""How each figure is taken, in the words printed beside it."""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Shares of one class in 0..1; `None` where there is nothing to divide by."""

    fed: int
    ejected: int
    """items of any class that landed in its bin"""
    purity: float | None
    purity_by_mass: float | None
    recovery: float | None
    recovery_by_mass: float | None

    @property
    def contamination(self) -> float | None:
        """1 - purity."""
        return None if self.purity is None else 1 - self.purity


def class_figures(
    items: pd.DataFrame, classes: Iterable[str], residue_class: str
) -> dict[str, ClassFigures]:
    """The figures of each class over `items` (rows of results.csv, one an item)."""
    known = items[items["true_class"].notna()]
    ejected = known[known["verdict"].isin([Verdict.SORTED, Verdict.MISSORTED])]
    return {name: _figures(name, known, ejected, name == residue_class) for name in classes}


def accuracy(items: pd.DataFrame) -> float | None:
    """Right predictions ÷ all classified items with a known class.

    Whatever became of the item: an answer below the threshold or after the deadline counts too.
    """
    answered = items[items["predicted_class"].notna() & items["true_class"].notna()]
    right = answered["predicted_class"] == answered["true_class"]
    return ratio(int(right.sum()), len(answered))


def ratio(part: float, whole: float) -> float | None:
    """`part ÷ whole`; `None` if `whole` is 0."""
    return float(part / whole) if whole else None


def _figures(
    name: str, known: pd.DataFrame, ejected: pd.DataFrame, is_residue: bool
) -> ClassFigures:
    """Figures of the class `name`.

    purity   = right items ejected into the bin ÷ all items ejected into it
    recovery = items of the class ejected into its own bin ÷ its items fed;
               for the residue class: its items rightly left on the belt ÷ its items fed
    """
    fed = known[known["true_class"] == name]
    into = ejected[ejected["predicted_class"] == name].iloc[: 0 if is_residue else None]
    right = into[into["true_class"] == name]
    got = fed[fed["verdict"] == Verdict.RESIDUE_OK] if is_residue else right
    return ClassFigures(
        fed=len(fed),
        ejected=len(into),
        purity=ratio(len(right), len(into)),
        purity_by_mass=ratio(right["mass_g"].sum(), into["mass_g"].sum()),
        recovery=ratio(len(got), len(fed)),
        recovery_by_mass=ratio(got["mass_g"].sum(), fed["mass_g"].sum()),
    )
