"""Sets of classes that hold the true class with a wanted probability, whatever the model.

Split conformal prediction (Vovk, Gammerman and Shafer, 2005; Sadinle, Lei and Wasserman, 2019):
of n labelled pictures not trained on, take the k-th highest probability of the true class, with
k = ⌈(n + 1) · level⌉. The classes that are at least as probable hold the true one in at least
`level` of new pictures of the same kind, counting over both draws. Done for each class by itself it
holds for each class, rare ones too. With n < k there is no such number, and nothing is promised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from training.errors import BadInput
from training.evaluate.answers import Floats, Ints

Kind = Literal["class", "marginal"]
Wanted = Literal["auto", "class", "marginal"]


@dataclass(frozen=True)
class ConformalSets:
    """A picture's set: every class whose probability is at least its `least` `[classes]`."""

    kind: Kind
    level: float
    classes: tuple[str, ...]
    pictures: tuple[int, ...]
    least: Floats

    @classmethod
    def fit(
        cls,
        kind: Kind,
        level: float,
        classes: tuple[str, ...],
        probabilities: Floats,
        labels: Ints,
    ) -> ConformalSets:
        """Find `least` from probabilities `[n, classes]` and labels `[n]`.

        Raises BadInput where there are too few pictures for the level.
        """
        of_true = probabilities[np.arange(len(labels)), labels]
        counts = np.bincount(labels, minlength=len(classes)).tolist()
        check_counts(kind, level, classes, counts)
        if kind == "class":
            least = [_kth_highest(of_true[labels == c], level) for c in range(len(classes))]
        else:
            least = [_kth_highest(of_true, level)] * len(classes)
        return cls(kind, level, classes, tuple(counts), np.array(least))

    def sets(self, probabilities: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which classes are in each picture's set: `[n, classes]` of both."""
        return np.asarray(probabilities >= self.least)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind,
            "level": self.level,
            "pictures": dict(zip(self.classes, self.pictures, strict=True)),
            "least_probability": dict(zip(self.classes, self.least.tolist(), strict=True)),
        }


def rank(pictures: int, level: float) -> int:
    """K = ⌈(n + 1) · level⌉, in fractions: 100 · 0.07 in floating point is more than 7."""
    return math.ceil((pictures + 1) * Fraction(str(level)))


def pictures_needed(level: float) -> int:
    """Smallest n with n ≥ ⌈(n + 1) · level⌉, which is n ≥ level ÷ (1 - level)."""
    exact = Fraction(str(level))
    return math.ceil(exact / (1 - exact))


def choose_kind(
    wanted: Wanted, level: float, classes: Sequence[str], counts: Sequence[int]
) -> Kind:
    """`auto`: by class if each class has enough pictures, else for all together.

    Raises BadInput where the pictures do not suffice for what is left.
    """
    enough = min(counts) >= pictures_needed(level)
    kind: Kind = ("class" if enough else "marginal") if wanted == "auto" else wanted
    check_counts(kind, level, classes, counts)
    return kind


def check_counts(kind: Kind, level: float, classes: Sequence[str], counts: Sequence[int]) -> None:
    """Raise BadInput unless `counts` pictures of each class support the level."""
    needed = pictures_needed(level)
    if kind == "marginal":
        if sum(counts) < needed:
            raise BadInput(
                f"--coverage {level}: needs {needed} pictures in all, there are {sum(counts)}"
            )
        return
    short = [f"{name} {n}" for name, n in zip(classes, counts, strict=True) if n < needed]
    if short:
        raise BadInput(
            f"--coverage {level}: needs {needed} pictures of each class; there are too few of "
            f"{', '.join(short)}"
        )


def _kth_highest(of_true: Floats, level: float) -> float:
    return float(np.sort(of_true)[::-1][rank(len(of_true), level) - 1])
