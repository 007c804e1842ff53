"""The items of two runs that were judged or named otherwise."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from line.plain_text import cells_of
from reports.comparison.cause import Cause, Why, why
from reports.comparison.compared_run import ComparedRun, Item

COLUMNS = (
    *("frame_id", "true_class", "cause", "detail"),
    *("verdict_a", "verdict_b", "predicted_class_a", "predicted_class_b"),
    *("confidence_a", "confidence_b", "latency_ms_a", "latency_ms_b"),
    *("reason_a", "reason_b", "model_a", "model_b"),
)
"""Columns of diff.csv, in order."""
_PAIRS = ("verdict", "predicted_class", "confidence", "latency_ms", "reason", "model")


_SECRETS = ("password", "token", "secret")
_HIDDEN = "(not shown)"
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Change:
    """An item of both runs, as each of them has it."""

    a: Item
    b: Item
    why: Why

    @property
    def frame_id(self) -> str:
        return self.a.frame_id

    @property
    def fates(self) -> tuple[str, str]:
        """What it became in each run."""
        return self.a.verdict.value, self.b.verdict.value


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from run `a` to run `b`."""

    a: ComparedRun
    b: ComparedRun
    changes: tuple[Change, ...]
    """in the order of the first run's rows"""

    @property
    def shared(self) -> int:
        """Items that both runs have."""
        return len(self.a.items.keys() & self.b.items.keys())

    @property
    def only(self) -> tuple[int, int]:
        """Items that one run alone has."""
        return len(self.a.items) - self.shared, len(self.b.items) - self.shared

    def by_cause(self) -> dict[Cause, int]:
        """Changed items of each cause that has any, the most frequent first."""
        return dict(Counter(change.why.cause for change in self.changes).most_common())

    def by_fate(self) -> dict[tuple[str, str], int]:
        """Changed items by what they became in each run, the most frequent first."""
        return dict(Counter(change.fates for change in self.changes).most_common())

    def settings(self) -> Iterator[tuple[str, Any, Any]]:
        """The settings that differ: `section.key`, the first run's value, the second's.

        Of secrets, which older runs have kept among them, it is said that they differ.
        """
        flat_a, flat_b = (dict(_flat(run.settings)) for run in (self.a, self.b))
        for name in dict.fromkeys((*flat_a, *flat_b)):
            if flat_a.get(name) != flat_b.get(name):
                hidden = any(word in name for word in _SECRETS)
                before, after = (_HIDDEN if hidden else flat.get(name) for flat in (flat_a, flat_b))
                yield name, before, after

    def as_csv(self) -> str:
        """The changes as diff.csv, a row each."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(cells_of(_cells(change)) for change in self.changes)
        return text.getvalue()


def compare(a: ComparedRun, b: ComparedRun) -> Difference:
    """The items of both runs whose verdict or predicted class differ, and why."""
    both = ((one, b.items[name]) for name, one in a.items.items() if name in b.items)
    changes = (
        Change(one, other, why(one, other, a, b)) for one, other in both if _differ(one, other)
    )
    return Difference(a, b, tuple(changes))


def _differ(a: Item, b: Item) -> bool:
    return (a.verdict, a.predicted_class) != (b.verdict, b.predicted_class)


def _cells(change: Change) -> Iterator[object]:
    yield from (change.frame_id, change.a.true_class, change.why.cause, change.why.detail)
    for name in _PAIRS:
        yield from (getattr(change.a, name), getattr(change.b, name))


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and prefix.count(".") < _DEEPEST:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
