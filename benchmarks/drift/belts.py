"""Belts of pictures that are drawn from pools: undisturbed, in loads, and with a shift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from benchmarks.drift.pools import Seen, by_class
from line.drift.lane_watch import LaneWatch, Rules
from line.drift.statistics import STATISTICS

_BLOCK = 4096
FEWEST = 100
"""Items of a load."""


def undisturbed(pool: Sequence[Seen], rng: np.random.Generator) -> Iterator[Seen]:
    """Without end: any picture of the pool at any place."""
    while True:
        for place in rng.integers(len(pool), size=_BLOCK):
            yield pool[place]


def in_loads(
    pool: Sequence[Seen], most: int, evenness: float, rng: np.random.Generator
) -> Iterator[Seen]:
    """Without end: each load has `most` items at most, and a mix of classes of its own.

    `evenness`: parameter of the symmetric Dirichlet distribution that the mix is drawn from.
    """
    classes = list(by_class(pool).values())
    while True:
        mix = rng.dirichlet([evenness] * len(classes))
        for number in rng.choice(len(classes), p=mix, size=rng.integers(FEWEST, most + 1)):
            yield classes[number][rng.integers(len(classes[number]))]


def mixed(
    pool: Sequence[Seen], strange: Sequence[Seen], share: float, rng: np.random.Generator
) -> Iterator[Seen]:
    """Without end: a share of the items is strange."""
    usual, other = undisturbed(pool, rng), undisturbed(strange, rng)
    while True:
        for is_strange in rng.random(_BLOCK) < share:
            yield next(other if is_strange else usual)


class Watched:
    """A watch, and how many items it has seen."""

    def __init__(self, rules: Rules, rng: np.random.Generator) -> None:
        self._watch = LaneWatch(rules)
        self._rng = rng
        self.items = 0
        self.notices: list[str] = []
        """in words"""

    def see(self, belt: Iterable[Seen], items: int, *, first_notice: bool = False) -> int | None:
        """So many items; at the first notice, if it is to end there, how many there were."""
        chances: Iterator[list[float]] = iter(())
        for number, each in enumerate(islice(belt, items), 1):
            drawn = next(chances, None)
            if drawn is None:
                chances = iter(self._rng.random((_BLOCK, len(STATISTICS))).tolist())
                drawn = next(chances)
            self.items += 1
            began, _ = self._watch.take(each.predicted, each.levels, drawn, str(self.items))
            self.notices += [moved.words for moved in began]
            if began and first_notice:
                return number
        return None
