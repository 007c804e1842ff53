"""Watches one lane under one model: compares each item with those before it; says what moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from line.drift.bets import DIRECTIONS, ON_ALL, ON_SOME, Bets
from line.drift.moved import Moved, told
from line.drift.reference import Reference
from line.drift.statistics import STATISTICS, Levels

_CALM = 2.0
"""Logarithm of the highest stake below which the items so far belong to those compared with."""
_STILL = log(1000)
"""The same, from which on a drift is taken to stand still."""
_MIX_ITEMS = 200
_MIX_MOVED = 0.1
"""Of the items, more or less than usual, that is worth showing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`learn_items`, `false_alarm_items`, `clear_items`: as in `line.settings.DriftSettings`."""

    learn_items: int
    false_alarm_items: int
    clear_items: int

    @property
    def limit(self) -> float:
        """Logarithm of the stake that raises a drift; each bet on each statistic has its part."""
        return log(self.false_alarm_items) + log(len(STATISTICS) * len(DIRECTIONS))


@dataclass(slots=True)
class _Watched:
    """One statistic."""

    bets: Bets
    reference: Reference = field(default_factory=Reference)
    items: int = 0
    """since it was last calm; while it has moved, since it last looked so"""
    moved: Moved | None = None
    took: int = 0
    """items from calm to the notice"""


class LaneWatch:
    """See the module's text; all of it is a function of the items in their order."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._limit = rules.limit
        self.learned = 0
        """items so far, up to those that are learned from before anything is said"""
        self._watched = [
            _Watched(Bets(ON_SOME if each.shows_some else ON_ALL)) for each in STATISTICS
        ]
        self._stands = 0
        """statistics that have moved"""
        self._usual: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        """predicted classes: of the items compared with, of those now counted, of those before"""

    @property
    def is_learning(self) -> bool:
        return self.learned < self._rules.learn_items

    @property
    def moved(self) -> list[Moved]:
        """What is not as it was, now."""
        return [each.moved for each in self._watched if each.moved is not None]

    def take(
        self, name: str, levels: Levels, chances: Sequence[float], item: str
    ) -> tuple[list[Moved], list[Moved]]:
        """One item more: what has moved with it, and what is as before again.

        `name`: its predicted class. `chances`: uniform in 0..1, one for each statistic.
        """
        if not self._stands:
            self._usual[name] += 1
        self._count_mix(name)
        is_learning = self.is_learning
        if is_learning:
            self.learned += 1
        began: list[Moved] = []
        over: list[Moved] = []
        joins = not self._stands
        for number, watched in enumerate(self._watched):
            level = levels[number]
            if level is None:
                continue
            if not is_learning:
                rank = watched.reference.rank(name, level, chances[number])
                self._judge(number, watched, watched.bets.take(rank, item), item, began, over)
            if watched.moved is None:
                join = watched.reference.join if joins else watched.reference.stand_aside
                join(name, level)
                watched.items += 1
        return began, over

    def mix(self) -> list[tuple[str, float, float]]:
        """Classes of which the last 200 items had much more or less than usual: both shares."""
        last, usual = self._last.total(), self._usual.total()
        if not last or not usual or self.is_learning:
            return []
        found = [(name, n / usual, self._last[name] / last) for name, n in self._usual.items()]
        found = [each for each in found if abs(each[1] - each[2]) > _MIX_MOVED]
        return sorted(found, key=lambda each: -abs(each[1] - each[2]))

    # -- inside -----------------------------------------------------------------------------------

    def _judge(
        self,
        number: int,
        watched: _Watched,
        stake: float,
        item: str,
        began: list[Moved],
        over: list[Moved],
    ) -> None:
        if watched.moved is None:
            if stake >= self._limit:
                watched.moved = self._moved(number, watched, item)
                began.append(watched.moved)
                self._stands += 1
            elif stake < _CALM and watched.items:
                watched.reference.settle()
                watched.items = 0
            return
        watched.items += 1
        if stake >= _STILL:
            watched.bets.begin_anew()
            watched.items = 0
        elif watched.items >= max(self._rules.clear_items, 2 * watched.took):
            over.append(watched.moved)
            watched.moved, watched.items = None, 0
            watched.bets.begin_anew()
            self._stands -= 1

    def _moved(self, number: int, watched: _Watched, item: str) -> Moved:
        direction, since = watched.bets.winner
        watched.took, watched.items = watched.items, 0
        watched.bets.begin_anew()
        parted = watched.reference.part()
        return told(STATISTICS[number], (direction, since, item), watched.reference, parted)

    def _count_mix(self, name: str) -> None:
        self._now[name] += 1
        if self._now.total() >= _MIX_ITEMS:
            self._last, self._now = self._now, Counter()

    # -- what the next one goes on from -----------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "learned": self.learned,
            "mix": [dict(each) for each in (self._usual, self._now, self._last)],
            "watched": [
                {
                    "reference": each.reference.state(),
                    "bets": each.bets.state(),
                    "items": each.items,
                    "took": each.took,
                    "moved": None if each.moved is None else asdict(each.moved),
                }
                for each in self._watched
            ],
        }

    @classmethod
    def of(cls, rules: Rules, state: Mapping[str, Any]) -> LaneWatch:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        made = cls(rules)
        made.learned = int(state["learned"])
        made._usual, made._now, made._last = (Counter(each) for each in state["mix"])
        for watched, kept in zip(made._watched, state["watched"], strict=True):
            watched.reference = Reference.of(kept["reference"])
            watched.bets.restore(kept["bets"])
            watched.items, watched.took = int(kept["items"]), int(kept["took"])
            if kept["moved"] is not None:
                watched.moved = Moved(
                    **{**kept["moved"], "classes": tuple(kept["moved"]["classes"])}
                )
        made._stands = len(made.moved)
        return made
