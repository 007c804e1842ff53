"""Running figures of the CSV log, for whoever watches the line live."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from math import isfinite
from time import monotonic
from typing import Any

from line.outcome import IN_TIME, Outcome, Verdict
from line.settings import Settings

_OF_DEADLINE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0, 5.0)
_WITHOUT_DEADLINE_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def bucket_bounds_s(settings: Settings) -> tuple[float, ...]:
    """Upper bounds of a latency histogram, rising; the deadline itself is one, if there is any."""
    if settings.line.speed == "max":
        return _WITHOUT_DEADLINE_S
    deadline_s = settings.deadline_s / settings.line.speed
    return tuple(float(f"{share * deadline_s:.6g}") for share in _OF_DEADLINE)


_RECENT_LATENCIES = 500
_MOST_WORKERS = 1000
_MOST_REASONS = 10
"""Reasons told apart for one verdict; any further one counts as "other"."""
_EJECTED = {Verdict.SORTED, Verdict.MISSORTED}


class RunningStats:
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
        self._workers: Counter[str] = Counter()
        self._latencies_ms: deque[float] = deque(maxlen=_RECENT_LATENCIES)
        self._classified = 0
        self._judged = 0
        self._right = 0
        self._in_time = 0

    def count(self, outcome: Outcome) -> None:
        """Count one row."""
        latencies_ms = () if outcome.latency_ms is None else (outcome.latency_ms,)
        true_class, predicted_class = outcome.true_class, outcome.predicted_class
        worker = outcome.worker
        self.count_alike(1, outcome.verdict, outcome.reason, true_class, predicted_class, worker)
        self.count_latencies(latencies_ms)

    def count_alike(
        self,
        rows: int,
        verdict: Verdict,
        reason: str,
        true_class: str | None,
        predicted_class: str | None,
        worker: str = "",
    ) -> None:
        """Count rows that differ in nothing of this."""
        self._verdicts[verdict] += rows
        if worker:
            self._count_worker(worker.partition("#")[0], rows)
        self._in_time += rows * (verdict in IN_TIME)
        if verdict in (Verdict.DROPPED, Verdict.EXPIRED):
            self._count_reason(self._reasons[verdict], reason, rows)
        if true_class is not None:
            self._bins[true_class]["fed"] += rows
        if verdict in _EJECTED and predicted_class is not None:
            bin_ = self._bins[predicted_class]
            bin_["ejected"] += rows
            bin_["right"] += rows * (predicted_class == true_class)
        if true_class is not None and predicted_class is not None:
            self._judged += rows
            self._right += rows * (predicted_class == true_class)
        self._last_row = monotonic()

    def count_latencies(self, latencies_ms: Sequence[float]) -> None:
        """Count the latencies of rows that have one."""
        self._latencies_ms.extend(latencies_ms)
        self._classified += len(latencies_ms)
        for latency_ms in latencies_ms:
            self._buckets[bisect_left(self._bounds_s, latency_ms / 1000)] += 1
            self._latency_sum_s += latency_ms / 1000

    def facts(self) -> dict[str, object]:
        """`latency_ms` holds p50, p95 and p99 of late; `accuracy` is None without truth.

        `last_row` is the monotonic time of the last row, None before the first. `bins`: class →
        items `fed`, `ejected` into its bin, and of those `right`; without truth none is fed.
        `workers`: name → rows that it has answered, over all its incarnations.
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
            "workers": self._workers,
            "last_row": self._last_row,
        }

    def state(self) -> dict[str, Any]:
        """All that is counted, as JSON keeps it."""
        return {
            "bounds_s": self._bounds_s,
            "buckets": self._buckets,
            "latency_sum_s": self._latency_sum_s,
            "latencies_ms": list(self._latencies_ms),
            "reasons": self._reasons,
            "bins": self._bins,
            "verdicts": self._verdicts,
            "workers": self._workers,
            "counts": [self._classified, self._judged, self._right, self._in_time],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Count on from `state`.

        Raises AttributeError, KeyError, OverflowError, TypeError or ValueError for what is none.
        """
        if list(state["bounds_s"]) != self._bounds_s:
            raise ValueError("counted between other bounds")
        buckets = [int(count) for count in state["buckets"]]
        if len(buckets) != len(self._buckets):
            raise ValueError("other buckets")
        classified, judged, right, in_time = map(int, state["counts"])
        verdicts = {Verdict(name): int(count) for name, count in state["verdicts"].items()}
        reasons = {
            str(Verdict(name)): _counter(counts) for name, counts in state["reasons"].items()
        }
        workers = _counter(state["workers"])
        bins = {str(name): _counter(counts) for name, counts in state["bins"].items()}
        latencies_ms = [float(latency_ms) for latency_ms in state["latencies_ms"]]
        latency_sum_s = float(state["latency_sum_s"])
        if not all(map(isfinite, (latency_sum_s, *latencies_ms))):
            raise ValueError("no latencies")
        self._latency_sum_s = latency_sum_s
        self._buckets = buckets
        self._classified, self._judged = classified, judged
        self._right, self._in_time = right, in_time
        self._verdicts = Counter(verdicts)
        self._reasons.update(reasons)
        self._bins.update(bins)
        self._workers.update(workers)
        self._latencies_ms.extend(latencies_ms)
        self._last_row = monotonic() if verdicts else None

    def _count_worker(self, name: str, rows: int) -> None:
        known = name in self._workers or len(self._workers) < _MOST_WORKERS
        self._workers[name if known else "other"] += rows

    @staticmethod
    def _count_reason(counts: Counter[str], reason: str, rows: int) -> None:
        known = reason in counts or len(counts) < _MOST_REASONS
        counts[reason if known else "other"] += rows

    def _quantile(self, share: float) -> float | None:
        """Between two latencies by their distance, as the report has it."""
        ordered = sorted(self._latencies_ms)
        if not ordered:
            return None
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _counter(counts: Mapping[str, Any]) -> Counter[str]:
    return Counter({str(name): int(count) for name, count in counts.items()})
