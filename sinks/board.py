"""Running figures of the CSV log, for whoever watches the line live."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from time import monotonic

from line.outcome import IN_TIME, Outcome, Verdict

_RECENT_LATENCIES = 500
_MOST_REASONS = 10
"""Reasons told apart for one verdict; any further one counts as "other"."""
_EJECTED = {Verdict.SORTED, Verdict.MISSORTED}


class Board:
    """Counts of all rows, and of their latencies up to each of `latency_bounds_s` and above.

    Quantiles are of the last few hundred latencies.
    """

    def __init__(self, latency_bounds_s: Sequence[float]) -> None:
        self._bounds_s = list(latency_bounds_s)
        self._buckets = [0] * (len(self._bounds_s) + 1)
        self._latency_sum_s = 0.0
        self._reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._last_row: float | None = None
        self._bins: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._verdicts: Counter[str] = Counter()
        self._latencies_ms: deque[float] = deque(maxlen=_RECENT_LATENCIES)
        self._classified = 0
        self._judged = 0
        self._right = 0
        self._in_time = 0

    def count(self, outcome: Outcome) -> None:
        self._verdicts[outcome.verdict] += 1
        self._in_time += outcome.verdict in IN_TIME
        if outcome.latency_ms is not None:
            self._latencies_ms.append(outcome.latency_ms)
            self._buckets[bisect_left(self._bounds_s, outcome.latency_ms / 1000)] += 1
            self._latency_sum_s += outcome.latency_ms / 1000
            self._classified += 1
        if outcome.verdict in (Verdict.DROPPED, Verdict.EXPIRED):
            self._count_reason(self._reasons[outcome.verdict], outcome.reason)
        self._last_row = monotonic()
        self._count_bin(outcome)
        if outcome.true_class is not None and outcome.predicted_class is not None:
            self._judged += 1
            self._right += outcome.predicted_class == outcome.true_class

    def facts(self) -> dict[str, object]:
        """`latency_ms` holds p50, p95 and p99 of late; `accuracy` is None without truth.

        `last_row` is the monotonic time of the last row, None before the first. `bins`: class →
        items `fed`, `ejected` into its bin, and of those `right`; without truth none is fed.
        """
        return {
            "logged": self._verdicts.total(),
            "classified": self._classified,
            "verdicts": dict(self._verdicts),
            "in_time": self._in_time,
            "accuracy": self._right / self._judged if self._judged else None,
            "latency_ms": {f"p{p}": self._quantile(p / 100) for p in (50, 95, 99)},
            "latency_s": {
                "bounds": self._bounds_s,
                "counts": self._buckets,
                "sum": self._latency_sum_s,
            },
            "reasons": self._reasons,
            "bins": self._bins,
            "last_row": self._last_row,
        }

    def _count_bin(self, outcome: Outcome) -> None:
        if outcome.true_class is not None:
            self._bins[outcome.true_class]["fed"] += 1
        if outcome.verdict in _EJECTED and outcome.predicted_class is not None:
            bin_ = self._bins[outcome.predicted_class]
            bin_["ejected"] += 1
            bin_["right"] += outcome.predicted_class == outcome.true_class

    @staticmethod
    def _count_reason(counts: Counter[str], reason: str) -> None:
        known = reason in counts or len(counts) < _MOST_REASONS
        counts[reason if known else "other"] += 1

    def _quantile(self, share: float) -> float | None:
        ordered = sorted(self._latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
