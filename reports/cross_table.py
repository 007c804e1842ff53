"""How many items of each class became what: all that most figures of a run are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from line.outcome import Verdict

_MOST_CLASSES = 1000
"""More than any model of the line tells apart; a file may name any number."""
_EXACT = 2**53
"""Below it a float is a whole number to the last digit."""


@dataclass(frozen=True, slots=True)
class Key:
    """Items that fared alike. None: of unknown class, without an answer."""

    true_class: str | None
    predicted_class: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Amount:
    """Some items: how many, how heavy, worth how much, in whole numbers: sums are exact."""

    items: int = 0
    micrograms: int = 0
    nanovalue: int = 0
    """billionths of the currency that `value_per_t` is in"""

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


class CrossTable:
    """Amounts by class, answer and verdict. `prices`: value of a tonne by class; others have none.

    What one item weighs and is worth is rounded, no sum is.
    """

    def __init__(self, prices: Mapping[str, float] | None = None) -> None:
        self._prices = prices or {}
        self._cells: dict[Key, Amount] = {}
        self._classes: set[str | None] = set()

    def __iter__(self) -> Iterator[tuple[Key, Amount]]:
        return iter(self._cells.items())

    def add(self, items: pd.DataFrame) -> None:
        """Take rows of results.csv, one an item.

        Raises:
            ValueError: if they name more classes than any model tells apart.
        """
        truth, answer, verdict = (
            items[name].astype("category").cat
            for name in ("true_class", "predicted_class", "verdict")
        )
        place = truth.codes.to_numpy().astype(np.int64) + 1
        for part in (answer, verdict):
            place = place * (len(part.categories) + 1) + part.codes.to_numpy() + 1
        kinds, example, kind = np.unique(place, return_index=True, return_inverse=True)
        mass_g = np.nan_to_num(items["mass_g"].to_numpy(np.float64), posinf=0.0)
        price = np.array([0.0, *(self._prices.get(str(name), 0.0) for name in truth.categories)])
        worth = mass_g * price[truth.codes.to_numpy() + 1]
        counts = np.bincount(kind, minlength=len(kinds)).tolist()
        micrograms = _sums(np.rint(1e6 * mass_g), kind, len(kinds))
        nanovalue = _sums(np.rint(1e3 * worth), kind, len(kinds))
        first = items.iloc[example]
        columns = (first[name].tolist() for name in ("true_class", "predicted_class", "verdict"))
        for names, *amount in zip(
            zip(*columns, strict=True), counts, micrograms, nanovalue, strict=True
        ):
            self._count(Key(_name(names[0]), _name(names[1]), Verdict(names[2])), Amount(*amount))

    def sum(self, keys: Iterable[Key] | None = None) -> Amount:
        """Of all, or of some."""
        chosen = self._cells.values() if keys is None else (self._cells[key] for key in keys)
        return sum(chosen, Amount())

    def classes(self) -> set[str]:
        """Every class that an item is of, or was taken for."""
        return {name for name in self._classes if name is not None}

    def _count(self, key: Key, amount: Amount) -> None:
        if key not in self._cells:
            self._classes |= {key.true_class, key.predicted_class} - {None}
            if len(self._classes) > _MOST_CLASSES:
                raise ValueError("names more classes than any model tells apart")
        self._cells[key] = self._cells.get(key, Amount()) + amount


def cross_table(items: pd.DataFrame, prices: Mapping[str, float] | None = None) -> CrossTable:
    """Of some rows."""
    table = CrossTable(prices)
    table.add(items)
    return table


def _name(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _sums(values: npt.NDArray[np.float64], kind: npt.NDArray[np.int64], kinds: int) -> list[int]:
    """Of whole numbers, by kind."""
    if len(values) and float(values.max()) * len(values) < _EXACT:
        return [int(each) for each in np.bincount(kind, weights=values, minlength=kinds)]
    sums = [0] * kinds
    for value, place in zip(values.tolist(), kind.tolist(), strict=True):
        sums[place] += int(value)
    return sums
