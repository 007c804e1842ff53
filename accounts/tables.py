"""The report's tables: confusion of the classes, load of the workers, reasons of losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from accounts.figures import ratio


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


def confusion(items: pd.DataFrame, classes: Sequence[str]) -> list[ConfusionRow]:
    """A row for each class, and one for items of unknown class if there are any."""
    rows = [_confusion_row(items[items["true_class"] == name], name, classes) for name in classes]
    unknown = items[items["true_class"].isna()]
    if len(unknown):
        rows.append(_confusion_row(unknown, None, classes))
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


def worker_loads(items: pd.DataFrame, wall_s: float | None) -> list[WorkerLoad]:
    """The load of each worker that answered, by name.

    Items of one batch all carry the duration of the whole batch. They stand in the results in one
    run of equal durations (microseconds fine), which counts once.
    """
    answered = items[items["worker"] != ""]
    names = answered["worker"].str.replace("#.*", "", regex=True)
    loads = []
    for name, own in answered.groupby(names, sort=False):
        duration_ms = own["inference_ms"]
        batches_ms = duration_ms[duration_ms != duration_ms.shift()]
        loads.append(
            WorkerLoad(
                name=str(name),
                items=len(own),
                incarnations=int(own["worker"].nunique()),
                mean_inference_ms=float(batches_ms.mean()),
                busy_share=ratio(float(batches_ms.sum()) / 1000, wall_s or 0),
            )
        )
    return sorted(loads, key=lambda load: (len(load.name), load.name))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why items were dropped, expired or failed."""

    verdict: str
    text: str
    items: int


def reasons(items: pd.DataFrame, most: int = 12) -> list[Reason]:
    """The most frequent reasons first; those beyond `most` are summed up in a last entry."""
    given = items[items["reason"] != ""].value_counts(["verdict", "reason"], sort=True)
    every = [
        Reason(verdict=str(verdict), text=str(text), items=int(amount))
        for (verdict, text), amount in zip(given.index, given, strict=True)
    ]
    if len(every) <= most:
        return every
    rest = every[most - 1 :]
    others = Reason("", f"{len(rest)} other reasons", sum(reason.items for reason in rest))
    return [*every[: most - 1], others]


def _confusion_row(own: pd.DataFrame, truth: str | None, classes: Sequence[str]) -> ConfusionRow:
    counts = own["predicted_class"].value_counts()
    return ConfusionRow(
        truth=truth,
        counts=tuple(int(counts.get(name, 0)) for name in classes),
        unanswered=int(own["predicted_class"].isna().sum()),
    )
