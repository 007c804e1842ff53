"""What a refit is worth on pictures that were left out of it, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.evaluate.answers import Ints
from training.evaluate.interval import Share
from training.evaluate.risk_coverage import Choice
from training.metrics import Confusion, percent


@dataclass(frozen=True)
class Change:
    """Pictures as the model took them before, and as a refit that had not seen them takes them."""

    classes: tuple[str, ...]
    labels: Ints
    before: Ints
    after: Ints

    @property
    def shares(self) -> tuple[Share, Share]:
        """Right before, right after."""
        of = len(self.labels)
        return (
            Share(int((self.before == self.labels).sum()), of),
            Share(int((self.after == self.labels).sum()), of),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        before, after = self.shares
        was_right, is_right = self.before == self.labels, self.after == self.labels
        return {
            "before": before.as_dict(),
            "after": after.as_dict(),
            "mended": int((is_right & ~was_right).sum()),
            "spoilt": int((was_right & ~is_right).sum()),
            "recall": self._recalls(),
        }

    def _recalls(self) -> dict[str, dict[str, float]]:
        of = [Confusion.of(self.classes, self.labels, said) for said in (self.before, self.after)]
        before, after = (each.per_class() for each in of)
        return {
            name: {
                "pictures": row["pictures"],
                "before": row["recall"],
                "after": after[name]["recall"],
            }
            for name, row in before.items()
            if row["pictures"]
        }

    def in_words(self, name: str) -> str:
        """One line: `labelled pictures: 0.310 (0.25 to 0.38) right before, 0.520 (…) after`."""
        before, after = (
            f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})" for share in self.shares
        )
        facts = self.as_dict()
        return (
            f"{name}, {len(self.labels)}, each left out once: right {before} before, {after} "
            f"after; {facts['mended']} mended, {facts['spoilt']} spoilt"
        )


def threshold_in_words(choice: Choice, wanted: float) -> str:
    """What the threshold reaches on the labelled pictures."""
    reached = choice.precision
    less = "" if reached.value >= wanted else f"; {wanted:g} is not reached by any"
    return (
        f"threshold {choice.threshold:.4f}: {reached.right} of {reached.of} right (95% interval "
        f"{reached.low:.3f} to {reached.high:.3f}), coverage {percent(choice.coverage)}{less}"
    )


def class_counts(classes: tuple[str, ...], labels: Ints) -> dict[str, int]:
    """Pictures of each class that has some."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}
