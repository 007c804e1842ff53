"""Which picture goes to which part of a set: shares of each class, and groups kept together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.errors import BadInput


@dataclass(frozen=True)
class Shares:
    """The share of each class that goes to each part but train, and the seed of the choice.

    The first parts are filled first; val gets at least one picture of each class.
    """

    of_part: Mapping[str, float]
    seed: int

    def wanted(self, pictures: int) -> dict[str, int]:
        """How many of a class with so many pictures go to each part."""
        wanted = {part: round(share * pictures) for part, share in self.of_part.items()}
        return wanted | ({"val": max(1, wanted["val"])} if "val" in wanted else {})


def split(labels: Sequence[str], groups: Sequence[int], shares: Shares) -> list[str]:
    """The part of each picture, from its class `[n]` and the number of its group `[n]`.

    A group goes to one part. Where each picture is a group of its own the shares are met exactly;
    a class of few large groups gets what comes closest: train at least one of them, then val one,
    then the others. Raises BadInput, naming the class, for one that has only a single picture.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    rng = np.random.default_rng(shares.seed)
    order = {name: _in_order(members[name], groups, rng) for name in sorted(members)}
    sizes: dict[int, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        sizes[group][label] += 1
    placing = _Placing(
        sizes, {name: shares.wanted(len(indices)) for name, indices in members.items()}
    )
    # Classes of few groups choose first: a recording holds several classes, and goes to one part.
    for name in sorted(order, key=lambda name: len(order[name])):
        if len(members[name]) < 2:
            raise BadInput(f"{name}: {len(members[name])} pictures are too few to split")
        placing.place(name, order[name])
    return [placing.part[group] for group in groups]


def _in_order(members: Sequence[int], groups: Sequence[int], rng: np.random.Generator) -> list[int]:
    """The groups of a class, shuffled."""
    own = list(dict.fromkeys(groups[index] for index in members))
    return [own[int(place)] for place in rng.permutation(len(own))]


class _Placing:
    """The part of each group so far, and how many pictures of each class the parts have."""

    def __init__(
        self, sizes: Mapping[int, Counter[str]], wanted: Mapping[str, Mapping[str, int]]
    ) -> None:
        self.part: dict[int, str] = {}
        self._sizes = sizes
        self._wanted = wanted
        self._placed: dict[str, Counter[str]] = defaultdict(Counter)

    def place(self, name: str, groups: Sequence[int]) -> None:
        """Give every group of a class a part, if it has none yet; the first come to val."""
        left = [group for group in groups if group not in self.part]
        for part in self._wanted[name]:
            for group in tuple(left):
                if self._can_spare(name, left) and self._fits(group, part):
                    self._put(group, part, left)
            wanted, there = self._wanted[name][part], self._placed[part][name]
            if wanted and not there and self._can_spare(name, left):
                self._put(min(left, key=lambda group: self._sizes[group].total()), part, left)
        for group in tuple(left):
            self._put(group, "train", left)

    def _can_spare(self, name: str, left: Sequence[int]) -> bool:
        """Whether the class has something for train when one more group is held out."""
        return len(left) > 1 or (len(left) == 1 and self._placed["train"][name] > 0)

    def _fits(self, group: int, part: str) -> bool:
        """Whether no class of the group would then have more in the part than it should."""
        placed = self._placed[part]
        return all(
            placed[name] + number <= self._wanted[name][part]
            for name, number in self._sizes[group].items()
        )

    def _put(self, group: int, part: str, left: list[int]) -> None:
        left.remove(group)
        self.part[group] = part
        self._placed[part].update(self._sizes[group])
