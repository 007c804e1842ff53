"""How late the photo-eye's triggers were handled, in constant memory."""

from __future__ import annotations

_BIN_MS = 0.05
_BINS = 20_000
"""Up to one second; anything later counts as one second in the quantiles."""


class Jitter:
    """A histogram of delays in milliseconds."""

    def __init__(self) -> None:
        self._counts = [0] * (_BINS + 1)
        self._count = 0
        self._max_ms = 0.0

    def add(self, delay_s: float) -> None:
        delay_ms = max(0.0, 1000 * delay_s)
        self._counts[min(_BINS, int(delay_ms / _BIN_MS))] += 1
        self._count += 1
        self._max_ms = max(self._max_ms, delay_ms)

    def quantile_ms(self, share: float) -> float:
        """Upper edge of the bin that holds the quantile, at most the maximum; 0 if empty."""
        if not self._count:
            return 0.0
        wanted = share * self._count
        seen = 0
        for number, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and count:
                return min((number + 1) * _BIN_MS, self._max_ms)
        return 0.0

    def facts(self) -> dict[str, float]:
        """`{p50, p95, p99, max}` in milliseconds, and the number of triggers."""
        return {
            "p50": round(self.quantile_ms(0.5), 3),
            "p95": round(self.quantile_ms(0.95), 3),
            "p99": round(self.quantile_ms(0.99), 3),
            "max": round(self._max_ms, 3),
            "count": self._count,
        }
