"""What is gained by leaving out the pictures a model is least sure of.

El-Yaniv and Wiener (2010), Geifman and El-Yaniv (2017): accept a picture if its confidence reaches
a threshold; coverage is the share accepted, risk the share of errors among those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluate.answers import Floats, Ints
from training.evaluate.interval import Share


@dataclass(frozen=True)
class Choice:
    """A threshold and what it did: the precision of what it accepts, and how much that is."""

    threshold: float
    precision: Share
    coverage: float

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "threshold": self.threshold,
            "coverage": self.coverage,
            "precision": self.precision.as_dict(),
        }


@dataclass(frozen=True)
class RiskCoverage:
    """The curve: one point per confidence seen, the highest first.

    `accepted[i]` pictures are at least as sure as `thresholds[i]`, `right[i]` of them rightly. No
    threshold can tell apart pictures of the same confidence, so they share a point.
    """

    thresholds: Floats
    accepted: Ints
    right: Ints

    @classmethod
    def of(cls, confidence: Floats, right: NDArray[np.bool_]) -> RiskCoverage:
        """The curve of pictures with `confidence` `[n]`, classified `right` `[n]` or not."""
        order = np.argsort(-confidence, kind="stable")
        ordered = confidence[order]
        last_of_its_kind = np.append(ordered[1:] != ordered[:-1], True)
        accepted = np.flatnonzero(last_of_its_kind) + 1
        right_so_far = np.cumsum(right[order], dtype=np.int64)
        return cls(ordered[accepted - 1], accepted, right_so_far[accepted - 1])

    @property
    def pictures(self) -> int:
        """All of them."""
        return int(self.accepted[-1])

    @property
    def coverage(self) -> Floats:
        """Share accepted at each threshold."""
        return np.asarray(self.accepted / self.pictures)

    @property
    def risk(self) -> Floats:
        """Share of errors among the accepted at each threshold."""
        return np.asarray(1 - self.right / self.accepted)

    @property
    def aurc(self) -> float:
        """Area under the curve, 0…1: the risk averaged over coverages 1/n, 2/n … 1."""
        return float((np.diff(self.coverage, prepend=0.0) * self.risk).sum())

    @property
    def excess_aurc(self) -> float:
        """AURC less that of the best order, which has all errors last: what ranking loses."""
        n, right = self.pictures, int(self.right[-1])
        errors = np.arange(1, n - right + 1)
        return self.aurc - float((errors / (right + errors)).sum() / n)

    def for_precision(self, wanted: float) -> Choice | None:
        """The lowest threshold whose precision reaches `wanted`; None if none does."""
        enough = np.flatnonzero(self.right / self.accepted >= wanted)
        return self.point(int(enough[-1])) if len(enough) else None

    def most_precise(self) -> Choice:
        """The threshold of the highest precision, the lowest of equals."""
        precision = self.right / self.accepted
        return self.point(int(np.flatnonzero(precision == precision.max())[-1]))

    def point(self, index: int) -> Choice:
        """A point of the curve."""
        right, accepted = int(self.right[index]), int(self.accepted[index])
        threshold = float(self.thresholds[index])
        return Choice(threshold, Share(right, accepted), accepted / self.pictures)
