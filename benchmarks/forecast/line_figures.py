"""What a run came to, from its rows, the same way for the line and for its twin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from line.config import ROOT
from line.errors import BadInput
from line.outcome import IN_TIME
from producers.render import render
from reports.results import read_results

PAGE = ROOT / "docs" / "measurements.md"
PICTURES = ("source.order=random", "camera.effects=off")
"""How they are fed from files: no real camera draws, and drawing takes most of a core."""
_PER_CLASS = 60

Row = tuple[float, str, float | None]
"""(belt time of the trigger in s, verdict, latency in ms or None without an answer)"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares in 0 … 1."""

    in_time: float
    throughput_per_s: float
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Figures:
        """Throughput = answers ÷ time from the first trigger to the last decision.

        Raises:
            BadInput: if no item was answered.
        """
        every = list(rows)
        latency_ms = [latency for _, _, latency in every if latency is not None]
        if not latency_ms:
            raise BadInput(f"none of {len(every)} items was answered; is the machine busy?")
        decided_s = [trigger + ms / 1000 for trigger, _, ms in every if ms is not None]
        span_s = max(decided_s) - min(trigger for trigger, _, _ in every)
        return cls(
            in_time=sum(verdict in IN_TIME for _, verdict, _ in every) / len(every),
            throughput_per_s=len(latency_ms) / span_s,
            p50_ms=float(np.quantile(latency_ms, 0.5)),
            p95_ms=float(np.quantile(latency_ms, 0.95)),
        )


def rows_of_line(run_dir: Path) -> list[Row]:
    """Of a run's results.csv."""
    items = read_results(run_dir / "results.csv").items
    latency = items["latency_ms"].astype(object).where(items["latency_ms"].notna(), None)
    return list(zip(items["scheduled_s"], items["verdict"], latency, strict=True))


def from_files(pictures: Path) -> list[str]:
    """Settings of a line that is fed drawn pictures from there; they are written if need be."""
    if not pictures.exists():
        render(pictures, _PER_CLASS)
    return [f"source.spec={pictures}", *PICTURES]
