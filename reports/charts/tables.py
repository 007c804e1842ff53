"""The report's tables: confusion of the classes, load of the workers, reasons of losses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from line.plain_text import plain
from reports.cross_table import CrossTable
from reports.figures import ratio

_MOST_WORKERS = 1000
_MOST_REASONS = 20_000
_OTHERS = "others"
"""Beyond these numbers workers and reasons are told together: a file may name any number."""


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """What the model called the items of one class."""

    truth: str | None
    """`None`: the items whose class is not known"""
    counts: tuple[int, ...]
    """answered items, by predicted class"""
    unanswered: int

    def share(self, column: int) -> float:
        """Part of this row's answered items that was called class number `column`."""
        return ratio(self.counts[column], sum(self.counts)) or 0.0


def confusion(table: CrossTable, classes: Sequence[str]) -> list[ConfusionRow]:
    """A row for each class, and one for items of unknown class, if there are any."""
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for key, amount in table:
        counts[key.true_class, key.predicted_class] += amount.items
    rows = [
        ConfusionRow(truth, tuple(counts[truth, name] for name in classes), counts[truth, None])
        for truth in (*classes, None)
    ]
    return [row for row in rows if row.unanswered or any(row.counts)]


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """What one worker did, over all its incarnations."""

    name: str
    items: int
    incarnations: int
    """those that answered at least once"""
    mean_inference_ms: float
    """of a batch, wall clock"""
    busy_share: float | None
    """time in inference ÷ wall time of the run; `None` if that is unknown"""


class WorkerLoads:
    """What each worker did, from all rows in the file's order.

    Items of one batch all carry the duration of the whole batch. They stand in the results in one
    run of equal durations (microseconds fine), which counts once.
    """

    def __init__(self) -> None:
        self._found: dict[str, _Load] = {}

    def add(self, items: pd.DataFrame) -> None:
        """Take the next rows of results.csv."""
        workers = items["worker"].astype("category")
        durations_ms = items["inference_ms"].to_numpy(np.float64)
        codes = workers.cat.codes.to_numpy()
        places: dict[str, list[npt.NDArray[np.int64]]] = {}
        for code, identity in enumerate(workers.cat.categories):
            own = np.flatnonzero(codes == code)
            if identity and len(own):
                name = str(identity).partition("#")[0]
                self._load(name).identities.add(str(identity))
                places.setdefault(name, []).append(own)
        for name, parts in places.items():
            self._load(name).add(durations_ms[np.sort(np.concatenate(parts))])

    def of_run(self, wall_s: float | None) -> list[WorkerLoad]:
        """The load of each worker that answered, by name."""
        loads = [
            WorkerLoad(
                name=name,
                items=load.items,
                incarnations=len(load.identities),
                mean_inference_ms=load.batches_ms / load.batches if load.batches else math.nan,
                busy_share=ratio(load.batches_ms / 1000, wall_s or 0),
            )
            for name, load in self._found.items()
        ]
        return sorted(loads, key=lambda load: (len(load.name), load.name))

    def _load(self, name: str) -> _Load:
        if name not in self._found and len(self._found) >= _MOST_WORKERS:
            name = _OTHERS
        return self._found.setdefault(name, _Load())


@dataclass(slots=True)
class _Load:
    items: int = 0
    identities: set[str] = field(default_factory=set)
    batches: int = 0
    batches_ms: float = 0.0
    last_ms: float = math.nan

    def add(self, durations_ms: npt.NDArray[np.float64]) -> None:
        before = np.concatenate([[self.last_ms], durations_ms[:-1]])
        begun = durations_ms[(durations_ms != before) & ~np.isnan(durations_ms)]
        self.items += len(durations_ms)
        self.batches += len(begun)
        self.batches_ms += float(begun.sum())
        self.last_ms = float(durations_ms[-1])


@dataclass(frozen=True, slots=True)
class Reason:
    """Why items were dropped, expired or failed, or left on the belt as strange."""

    verdict: str
    text: str
    items: int


class Reasons:
    """What rows give as their reason, counted."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, items: pd.DataFrame) -> None:
        """Take rows of results.csv."""
        given = items.loc[items["reason"] != "", ["verdict", "reason"]].astype(object)
        for (verdict, reason), amount in Counter(given.itertuples(index=False, name=None)).items():
            key = (str(verdict), plain(str(reason)))
            if key not in self._counts and len(self._counts) >= _MOST_REASONS:
                key = ("", _OTHERS)
            self._counts[key] += amount

    def most_frequent(self, most: int = 12) -> list[Reason]:
        """The most frequent first; those beyond `most` are summed up in a last entry."""
        counts = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        every = [Reason(verdict, text, items) for (verdict, text), items in counts]
        if len(every) <= most:
            return every
        rest = every[most - 1 :]
        others = Reason("", f"{len(rest)} other reasons", sum(reason.items for reason in rest))
        return [*every[: most - 1], others]
