"""What is said of a statistic that is not as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from line.drift.reference import Reference, middle
from line.drift.statistics import LEVELS, Statistic

_FEW = 10
"""Items of a class of which nothing is said."""
_OFF = 0.15
"""Mean rank of a class, from 0.5, that is called moved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A statistic that is not as it was, and whence it is known."""

    statistic: str
    direction: str
    since: str
    """the item that it began with, as far as can be told"""
    item: str
    """the one that it was noticed at"""
    before: str
    after: str
    """the middle of the items before, and of those since, in words"""
    classes: tuple[str, ...]
    """predicted classes in which it moved the most; empty: in all alike"""

    @property
    def words(self) -> str:
        """`light is lower since item 0-812: 41 % instead of 60 %, in glass, metal`."""
        where = f", most in {', '.join(self.classes)}" if self.classes else ""
        return (
            f"{self.statistic} is {self.direction} since item {self.since}: "
            f"{self.after} instead of {self.before}{where}"
        )


def told(
    statistic: Statistic,
    where: tuple[str, str, str],
    reference: Reference,
    parted: Mapping[str, list[int]],
) -> Moved:
    """`where`: direction, first item, and the one at which it was noticed.

    `parted`: class → levels of the items since then; `reference` has those before.
    """
    before = _sum(map(reference.levels, parted))
    return Moved(
        statistic.name,
        *where,
        statistic.words(middle(before)) if any(before) else "none",
        statistic.words(middle(_sum(parted.values()))),
        _most_moved(reference, parted),
    )


def _sum(all_levels: Iterable[list[int]]) -> list[int]:
    total = [0] * LEVELS
    for levels in all_levels:
        total = [a + b for a, b in zip(total, levels, strict=True)]
    return total


def _most_moved(reference: Reference, parted: Mapping[str, list[int]]) -> tuple[str, ...]:
    """The classes whose items are off the middle of those before; none if that holds for all."""
    off = {}
    for name, levels in parted.items():
        count, old = sum(levels), reference.levels(name)
        if count < _FEW or sum(old) < _FEW:
            continue
        below, ranks = 0.0, 0.0
        for level, each in enumerate(levels):
            ranks += each * (below + old[level] / 2)
            below += old[level]
        off[name] = abs(ranks / count / below - 0.5)
    found = sorted((name for name in off if off[name] > _OFF), key=lambda name: -off[name])
    return () if len(found) == len(off) else tuple(found[:3])
