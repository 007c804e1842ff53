"""What an item is compared with: the items of its class before it, and its rank among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from line.drift.statistics import LEVELS


class Reference:
    """Of one statistic: by predicted class, how many items had each level.

    Ranks are conformal (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005):
    where the items of a class come in an order that means nothing, each rank is uniform in 0..1 and
    independent of those before it, whatever is measured and however few items there are. So an
    item joins those that later ones are compared with: a reference that stayed as it is would pass
    its own error on as a drift, sooner or later.
    """

    def __init__(self) -> None:
        self._levels: dict[str, list[int]] = {}
        self._recent: dict[str, list[int]] = {}
        """those of them that came since `settle`"""
        self._aside: dict[str, list[int]] = {}
        """others that came since then"""

    def rank(self, name: str, level: int, chance: float) -> float:
        """Of an item among those of its class and itself, low = 0; equals are split by `chance`."""
        levels = self._levels.get(name)
        if levels is None:
            return chance
        below = sum(levels[:level])
        count = below + sum(levels[level:]) + 1
        return (below + chance * (levels[level] + 1)) / count

    def join(self, name: str, level: int) -> None:
        """One item more to compare with."""
        _count(self._levels, name, level)
        _count(self._recent, name, level)

    def stand_aside(self, name: str, level: int) -> None:
        """One item more, which none is compared with."""
        _count(self._aside, name, level)

    def settle(self) -> None:
        """What has joined stays."""
        if self._recent or self._aside:
            self._recent, self._aside = {}, {}

    def part(self) -> dict[str, list[int]]:
        """Take out what has joined since `settle`; returns that and what stood aside."""
        parted, aside = self._recent, self._aside
        self._recent, self._aside = {}, {}
        for name, counts in parted.items():
            old = self._levels[name]
            self._levels[name] = [a - b for a, b in zip(old, counts, strict=True)]
        for name, counts in aside.items():
            old = parted.get(name, [0] * LEVELS)
            parted[name] = [a + b for a, b in zip(old, counts, strict=True)]
        return parted

    def levels(self, name: str) -> list[int]:
        """Items of a class, by level."""
        return self._levels.get(name, [0] * LEVELS)

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "levels": _sparse(self._levels),
            "recent": _sparse(self._recent),
            "aside": _sparse(self._aside),
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Reference:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        made = cls()
        made._levels, made._recent = _dense(state["levels"]), _dense(state["recent"])
        made._aside = _dense(state["aside"])
        return made


def middle(levels: list[int]) -> int:
    """The median level."""
    half, passed = sum(levels) / 2, 0
    for level, count in enumerate(levels):
        passed += count
        if count and passed >= half:
            return level
    return 0


def _count(counts: dict[str, list[int]], name: str, level: int) -> None:
    if name not in counts:
        counts[name] = [0] * LEVELS
    counts[name][level] += 1


def _sparse(counts: dict[str, list[int]]) -> dict[str, list[list[int]]]:
    return {
        name: [[level, count] for level, count in enumerate(levels) if count]
        for name, levels in counts.items()
    }


def _dense(state: Mapping[str, Any]) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {}
    for name, pairs in state.items():
        made[str(name)] = levels = [0] * LEVELS
        for level, count in pairs:
            levels[_index(level)] = int(count)
    return made


def _index(level: Any) -> int:
    if not 0 <= int(level) < LEVELS:
        raise ValueError("no level")
    return int(level)
