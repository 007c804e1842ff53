"""How sure a share is that was counted on few pictures."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""97.5% quantile of the normal distribution: two sides of 2.5% each."""


@dataclass(frozen=True)
class Share:
    """`right` of `of`, with the interval that holds the true share 95 times in 100.

    Wilson (1927): unlike the textbook interval it stays within 0…1 and holds for few pictures.
    """

    right: int
    of: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing is 0."""
        return self.right / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._end(-1)

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._end(+1)

    def _end(self, side: int) -> float:
        if not self.of:
            return 0.0 if side < 0 else 1.0
        n, p, zz = self.of, self.value, Z_95**2
        centre = p + zz / (2 * n)
        half = Z_95 * sqrt(p * (1 - p) / n + zz / (4 * n * n))
        return min(1.0, max(0.0, (centre + side * half) / (1 + zz / n)))

    def as_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "right": self.right,
            "pictures": self.of,
        }
