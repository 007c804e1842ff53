"""Purity and recovery: what the bins hold and what the line got out of the stream.

Only items whose true class is known take part. An item is *ejected* if its verdict is `sorted` or
`missorted`; the bin it lands in is that of its predicted class. The residue class has no bin: it
runs off the end of the belt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from line.outcome import Verdict
from reports.cross_table import CrossTable, Key

FORMULAS = {
    "purity": "right items ejected into a bin ÷ all items ejected into it",
    "recovery": "items of a class ejected into its own bin ÷ its items fed "
    "(residue: rightly left on the belt ÷ fed)",
    "not recovered": "fed − recovered "
    "= classification + low_confidence + late + expired + dropped + failed",
    "accuracy": "right predictions ÷ all classified items with a known class",
    "in time": "items answered before their deadline ÷ items fed; at clock max nothing has one",
    "throughput": "answers ÷ wall time; t/h = mass fed ÷ belt time to the last trigger",
}
"""How each figure is taken, in the words printed beside it."""
_EJECTED = (Verdict.SORTED, Verdict.MISSORTED)


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
    table: CrossTable, classes: Iterable[str], residue_class: str
) -> dict[str, ClassFigures]:
    """The figures of each class."""
    known = [key for key, _ in table if key.true_class is not None]
    return {name: _figures(name, table, known, name == residue_class) for name in classes}


def accuracy(table: CrossTable) -> float | None:
    """Right predictions ÷ all classified items with a known class.

    Whatever became of the item: an answer below the threshold or after the deadline counts too.
    """
    answered = [key for key, _ in table if None not in (key.true_class, key.predicted_class)]
    right = (key for key in answered if key.predicted_class == key.true_class)
    return ratio(table.sum(right).items, table.sum(answered).items)


def ratio(part: float, whole: float) -> float | None:
    """`part ÷ whole`; `None` if `whole` is 0."""
    return float(part / whole) if whole else None


def _figures(name: str, table: CrossTable, known: Sequence[Key], is_residue: bool) -> ClassFigures:
    """Figures of the class `name`.

    purity   = right items ejected into the bin ÷ all items ejected into it
    recovery = items of the class ejected into its own bin ÷ its items fed;
               for the residue class: its items rightly left on the belt ÷ its items fed
    """
    of_class = [key for key in known if key.true_class == name]
    into_bin = [
        key
        for key in known
        if key.predicted_class == name and key.verdict in _EJECTED and not is_residue
    ]
    fed, into = table.sum(of_class), table.sum(into_bin)
    right = table.sum(key for key in into_bin if key.true_class == name)
    left = table.sum(key for key in of_class if key.verdict is Verdict.RESIDUE_OK)
    got = left if is_residue else right
    return ClassFigures(
        fed=fed.items,
        ejected=into.items,
        purity=ratio(right.items, into.items),
        purity_by_mass=ratio(right.micrograms, into.micrograms),
        recovery=ratio(got.items, fed.items),
        recovery_by_mass=ratio(got.micrograms, fed.micrograms),
    )
