"""How many pictures of which class and size there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.audit.listing import Listing

Size = tuple[int, int]


@dataclass(frozen=True)
class Census:
    """`counts[split][class]` pictures, unreadable ones too; `sizes` (height, width) of the rest."""

    counts: Mapping[str, Mapping[str, int]]
    sizes: Counter[Size]

    def imbalance(self, split: str) -> float | None:
        """Largest class ÷ smallest; None if a class has no picture there."""
        numbers = self.counts[split].values()
        return max(numbers) / min(numbers) if min(numbers) else None

    def thin(self, least: int) -> list[tuple[str, str, int]]:
        """(split, class, pictures) of each class with fewer than `least` pictures in a split."""
        return [
            (split, label, number)
            for split, numbers in self.counts.items()
            for label, number in numbers.items()
            if number < least
        ]


def take_census(listing: Listing, sizes: Iterable[Size]) -> Census:
    """Count; every class appears in every split, if only with 0."""
    counts = {split: dict.fromkeys(listing.classes, 0) for split in listing.splits}
    for entry in listing.entries:
        counts[entry.split][entry.label] += 1
    return Census(counts, Counter(sizes))
