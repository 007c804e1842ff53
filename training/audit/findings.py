"""All that an audit found, and its plain form for files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from training.audit.duplicates import Mark, Pair
from training.audit.reading import Entry, Listing, Scan

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


FORMAT = 1


@dataclass(frozen=True)
class LabelError:
    """A label that looks wrong: `suggested` is more probable than the one it has."""

    entry: Entry
    probability: float
    suggested: str
    suggested_probability: float


@dataclass(frozen=True)
class LabelCheck:
    """Doubtful labels, the least probable first, by what network and how good (0…1) it is."""

    network: str
    accuracy: float
    errors: tuple[LabelError, ...]


@dataclass(frozen=True)
class Findings:
    """The result of one audit. `labels` is None if they were not checked; `notes` say why."""

    scan: Scan
    census: Census
    least: int
    pairs: tuple[Pair, ...]
    labels: LabelCheck | None
    notes: tuple[str, ...]

    def marked(self, mark: Mark) -> list[Pair]:
        """The pairs that bear a mark: identical ones first, then the most alike."""
        return [pair for pair in self.pairs if mark in pair.marks]

    @property
    def label_errors(self) -> tuple[LabelError, ...]:
        """Doubtful labels; none if they were not checked."""
        return self.labels.errors if self.labels else ()

    @property
    def grave(self) -> dict[str, int]:
        """What --strict fails on, by name, where there is any."""
        counts = {
            "unreadable files": len(self.scan.unreadable),
            "pairs across labels": len(self.marked(Mark.CONFLICT)),
            "pairs across splits": len(self.marked(Mark.LEAKAGE)),
        }
        return {what: count for what, count in counts.items() if count}

    @property
    def in_a_line(self) -> str:
        """What was found, counted."""
        thin = len(self.census.thin(self.least))
        within = len(self.marked(Mark.WITHIN))
        counts = self.grave | {
            what: count
            for what, count in {
                "pairs within a split": within,
                "likely label errors": len(self.label_errors),
                f"classes with fewer than {self.least} pictures in a split": thin,
            }.items()
            if count
        }
        return ", ".join(f"{what}: {count}" for what, count in counts.items()) or "nothing found"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; every path is relative to `data`."""
        listing = self.scan.listing
        return {
            "format": FORMAT,
            "data": str(listing.root),
            "pictures": len(listing.entries),
            "ignored_files": sum(listing.passed_over.values()),
            "passed_over": dict(listing.passed_over),
            "unreadable": _reasons(self.scan.unreadable.items()),
            "damaged": _reasons(self.scan.damaged.items()),
            "duplicates": [_pair(pair) for pair in self.pairs],
            "labels": _labels(self.labels),
            "classes": {
                split: {"pictures": dict(counts), "imbalance": self.census.imbalance(split)}
                for split, counts in self.census.counts.items()
            },
            "thin_classes": [
                {"split": split, "label": label, "pictures": number}
                for split, label, number in self.census.thin(self.least)
            ],
            "sizes_px": [
                {"height": height, "width": width, "pictures": number}
                for (height, width), number in self.census.sizes.most_common()
            ],
            "notes": list(self.notes),
        }


def _entry(entry: Entry) -> dict[str, str]:
    return {"path": entry.name, "split": entry.split, "label": entry.label}


def _reasons(reasons: Iterable[tuple[Entry, str]]) -> list[dict[str, str]]:
    return [{**_entry(entry), "reason": reason} for entry, reason in reasons]


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "kind": pair.kind.value,
        "marks": [mark.value for mark in pair.marks],
        "first": _entry(pair.first),
        "second": _entry(pair.second),
        "bits": pair.bits,
        "correlation": round(pair.correlation, 4),
    }


def _labels(check: LabelCheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    errors = [
        {
            **_entry(error.entry),
            "probability": round(error.probability, 4),
            "suggested": error.suggested,
            "suggested_probability": round(error.suggested_probability, 4),
        }
        for error in check.errors
    ]
    return {"network": check.network, "accuracy": round(check.accuracy, 4), "errors": errors}
