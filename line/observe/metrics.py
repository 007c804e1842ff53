"""A snapshot of the line as Prometheus metrics: base units, names that begin with `scrapline_`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from time import monotonic

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from line.observe.snapshot import Snapshot
from line.outcome import Verdict

ROLES = ("camera", "dispatcher", "worker", "sink")


def render(snapshot: Snapshot) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collected(snapshot))
    return generate_latest(registry)


class _Collected:
    """What prometheus_client takes for a collector."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot, now = self._snapshot, monotonic()
        yield from _flow(snapshot)
        yield from _decisions(snapshot)
        yield from _processes(snapshot, now)
        yield _age(snapshot, now)


def _flow(snapshot: Snapshot) -> Iterator[Metric]:
    """Items through each stage, and items that wait before one."""
    stats = snapshot.stats
    stages = CounterMetricFamily(
        "scrapline_stage_items", "Items that a stage is done with.", labels=["stage"]
    )
    for stage, count in (
        ("camera", snapshot.fed),
        ("worker", stats.get("classified", 0)),
        ("csv_log", stats.get("logged", 0)),
        ("active_learning", snapshot.queued),
    ):
        stages.add_metric([stage], count)
    yield stages
    depths = GaugeMetricFamily(
        "scrapline_queue_depth_items", "Items that wait, by place.", labels=["queue"]
    )
    for camera, note in snapshot.belts.items():
        depths.add_metric([f"{camera}_window"], note["window"])
    depths.add_metric(["waiting_for_worker"], snapshot.flow.get("waiting", 0))
    depths.add_metric(["unacknowledged"], snapshot.flow.get("held", 0))
    yield depths
    behind = GaugeMetricFamily(
        "scrapline_follower_behind_rows",
        "Rows in results.csv that a follower has not read yet, about.",
        labels=["process"],
    )
    for process, rows in snapshot.behind.items():
        behind.add_metric([process], rows)
    yield behind
    yield GaugeMetricFamily(
        "scrapline_camera_window_limit_items",
        "Frames that a camera may keep until they are acknowledged.",
        value=snapshot.window_frames,
    )
    yield CounterMetricFamily(
        "scrapline_malformed_messages",
        "Messages that were counted and ignored.",
        value=snapshot.malformed,
    )
    yield CounterMetricFamily(
        "scrapline_refused_connections",
        "Connections from other machines that were refused.",
        value=snapshot.strangers,
    )


def _decisions(snapshot: Snapshot) -> Iterator[Metric]:
    """What became of the items, why some have no answer, and how long answers took."""
    stats = snapshot.stats
    verdicts = CounterMetricFamily(
        "scrapline_verdicts", "Rows in results.csv, by verdict.", labels=["verdict"]
    )
    for verdict in Verdict:
        verdicts.add_metric([verdict.value], stats.get("verdicts", {}).get(verdict, 0))
    yield verdicts
    drops = CounterMetricFamily(
        "scrapline_drops", "Dropped and expired items, by reason.", labels=["verdict", "reason"]
    )
    for verdict, reasons in stats.get("reasons", {}).items():
        for reason, count in reasons.items():
            drops.add_metric([verdict, reason], count)
    yield drops
    latency = HistogramMetricFamily(
        "scrapline_decision_latency_seconds", "From an item's trigger to its decision."
    )
    facts = stats.get("latency_s", {"bounds": [], "counts": [0], "sum": 0.0})
    bounds = [*map(str, facts["bounds"]), "+Inf"]
    buckets = list(zip(bounds, accumulate(facts["counts"]), strict=True))
    latency.add_metric([], buckets, facts["sum"])
    yield latency


def _processes(snapshot: Snapshot, now: float) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "scrapline_process_up", "1 while a process is ready and heard of.", labels=["process"]
    )
    heard = GaugeMetricFamily(
        "scrapline_process_heartbeat_age_seconds",
        "Since a process's last sign of life.",
        labels=["process"],
    )
    for process in snapshot.processes:
        serves = process.state == "ready" and not snapshot.is_hung(process, now)
        up.add_metric([process.name], int(serves))
        if process.heard is not None:
            heard.add_metric([process.name], max(0.0, now - process.heard))
    yield up
    yield heard
    spent = CounterMetricFamily(
        "scrapline_processor_seconds",
        "Processor time used, by process and what for, over all its incarnations.",
        labels=["process", "part"],
    )
    for name, parts in snapshot.processor.items():
        for part, spent_s in parts.items():
            spent.add_metric([name, part], spent_s)
    yield spent
    restarts = CounterMetricFamily(
        "scrapline_restarts", "Unplanned restarts, by role.", labels=["role"]
    )
    for role in ROLES:
        restarts.add_metric([role], snapshot.restarts.get(role, 0))
    yield restarts
    yield CounterMetricFamily("scrapline_alarms", "Alarms raised.", value=snapshot.alarms_raised)
    yield GaugeMetricFamily(
        "scrapline_alarms_standing",
        "Alarms that were raised and are not cleared.",
        value=snapshot.alarms_standing,
    )
    yield GaugeMetricFamily(
        "scrapline_healthy",
        "1 while /healthz answers 200.",
        value=int(snapshot.health(now) == "ok"),
    )


def _age(snapshot: Snapshot, now: float) -> Metric:
    age = GaugeMetricFamily("scrapline_last_row_age_seconds", "Since the last row was written.")
    last_row = snapshot.stats.get("last_row")
    if last_row is not None:
        age.add_metric([], max(0.0, now - last_row))
    return age
