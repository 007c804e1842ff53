"""Which epoch of a run is the best one, and whether the run still gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Row = dict[str, float]

UNEVEN = 10
"""So many times the pictures of the rarest class: from there on accuracy can do without it."""


@dataclass(frozen=True)
class EpochChoice:
    """By accuracy on val or, where classes are uneven, by the mean of the classes' recalls."""

    balanced: bool
    why: str | None = None

    @classmethod
    def of(cls, labels: Sequence[int], classes: Sequence[str]) -> EpochChoice:
        """As the training pictures, one label each, want it."""
        counts = Counter(labels).most_common()
        (most, many), (least, few) = counts[0], counts[-1]
        if many < UNEVEN * few:
            return cls(balanced=False)
        return cls(
            balanced=True,
            why=f"classes are uneven, {few} of {classes[least]} to {many} of {classes[most]}: the "
            "best epoch is the one of the best balanced accuracy, the mean of the classes' recalls",
        )

    @property
    def figure(self) -> str:
        """The figure's name."""
        return "balanced accuracy" if self.balanced else "accuracy"

    def score(self, row: Row) -> float:
        """That figure in a row of the history; accuracy where an older trainer wrote the row."""
        accuracy = row["val_accuracy"]
        return row.get("val_balanced", accuracy) if self.balanced else accuracy

    def best_epoch(self, history: Sequence[Row]) -> int:
        """From 1; the later of two equals, as the rate was lower and the average longer."""
        best = max(history, key=lambda row: (self.score(row), row["epoch"]))
        return int(best["epoch"])

    def best(self, history: Sequence[Row]) -> float:
        """The best epoch's score; 0 before the first."""
        return max(map(self.score, history), default=0.0)

    def stands_still(self, history: Sequence[Row], patience_epochs: int) -> bool:
        """Whether that many epochs brought no gain; never with a patience of 0."""
        return bool(
            patience_epochs
            and len(history) > patience_epochs
            and self.best(history[-patience_epochs:]) <= self.best(history[:-patience_epochs])
        )
