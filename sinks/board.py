"""Running figures of the CSV log, for whoever watches the line live."""

from __future__ import annotations

from collections import Counter, deque

from line.outcome import IN_TIME, Outcome

_RECENT_LATENCIES = 500


class Board:
    """Counts of all rows; latencies of the last few hundred."""

    def __init__(self) -> None:
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
            self._classified += 1
        if outcome.true_class is not None and outcome.predicted_class is not None:
            self._judged += 1
            self._right += outcome.predicted_class == outcome.true_class

    def facts(self) -> dict[str, object]:
        """`latency_ms` holds p50, p95 and p99 of late; `accuracy` is None without truth."""
        return {
            "logged": self._verdicts.total(),
            "classified": self._classified,
            "verdicts": dict(self._verdicts),
            "in_time": self._in_time,
            "accuracy": self._right / self._judged if self._judged else None,
            "latency_ms": {f"p{p}": self._quantile(p / 100) for p in (50, 95, 99)},
        }

    def _quantile(self, share: float) -> float | None:
        ordered = sorted(self._latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
