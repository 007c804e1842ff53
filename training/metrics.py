"""What a confusion matrix says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_CONFUSED = 5


def percent(share: float | None) -> str:
    """`0.9362` → `93.6%`; a share below 1 is never rounded up to 100%, one that is none is –."""
    if share is None:
        return "–"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


@dataclass(frozen=True)
class Confusion:
    """Counts `[classes, classes]`: row = true class, column = predicted class."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, classes: tuple[str, ...], true: NDArray[np.int64], predicted: NDArray[np.int64]
    ) -> Confusion:
        """Count labels `[n]` against predictions `[n]`."""
        counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(counts, (true, predicted), 1)
        return cls(classes, counts)

    @property
    def accuracy(self) -> float:
        """Right ÷ all."""
        return _ratio(np.trace(self.counts), self.counts.sum())

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have pictures, each class counting the same."""
        recalls = [row["recall"] for row in self.per_class().values() if row["pictures"]]
        return float(np.mean(recalls)) if recalls else 0.0

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have pictures, each class counting the same."""
        scores = [row["f1"] for row in self.per_class().values() if row["pictures"]]
        return float(np.mean(scores)) if scores else 0.0

    def per_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 and number of pictures of each class; 0 where undefined."""
        rows = {}
        for i, name in enumerate(self.classes):
            right, true, predicted = (
                int(self.counts[i, i]),
                int(self.counts[i].sum()),
                int(self.counts[:, i].sum()),
            )
            rows[name] = {
                "precision": _ratio(right, predicted),
                "recall": _ratio(right, true),
                "f1": _ratio(2 * right, true + predicted),
                "pictures": true,
            }
        return rows

    def most_confused(self, most: int = MOST_CONFUSED) -> list[dict[str, Any]]:
        """The `most` pairs taken for one another most often, worst first."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        worst = np.argsort(wrong, axis=None)[::-1][:most]
        pairs = [divmod(int(flat), len(self.classes)) for flat in worst]
        return [
            {"true": self.classes[i], "predicted": self.classes[j], "count": int(wrong[i, j])}
            for i, j in pairs
            if wrong[i, j]
        ]

    def summary(self) -> dict[str, Any]:
        """Everything above in one JSON-ready dictionary, with means weighted by class size."""
        rows = self.per_class()
        sizes = [row["pictures"] for row in rows.values()]
        present = [row for row in rows.values() if row["pictures"]]
        figures = ("precision", "recall", "f1")
        return {
            "pictures": int(self.counts.sum()),
            "accuracy": self.accuracy,
            "macro": {f: float(np.mean([row[f] for row in present])) for f in figures},
            "weighted": {
                f: float(np.average([row[f] for row in rows.values()], weights=sizes))
                for f in figures
            },
            "per_class": rows,
            "most_confused": self.most_confused(),
        }


NAMED = 8


def never_right_line(per_class: Mapping[str, Mapping[str, float]], where: str) -> str | None:
    """A warning that names the classes of which not one picture is recognised; None if none is.

    `per_class` is that of a summary.
    """
    never = [
        f"{name} ({row['pictures']:.0f} pictures)"
        for name, row in per_class.items()
        if row["pictures"] and not row["recall"]
    ]
    if not never:
        return None
    more = f" and {len(never) - NAMED} more" if len(never) > NAMED else ""
    return f"warning: {where} not one picture is recognised of {', '.join(never[:NAMED])}{more}"


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
