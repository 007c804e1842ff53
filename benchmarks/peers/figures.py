"""A contender's figures, from the rows that it has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Protocol


class Asked(Protocol):
    """What of a task the figures depend on."""

    @property
    def frames(self) -> int: ...

    @property
    def rate(self) -> float: ...


def figures(log: Path, asked: Asked, start: float, spent_s: float) -> dict[str, float | int]:
    """Frames lost and written twice; and, if there is a row, speed, processor time, latency.

    `start`: monotonic time of the first frame; frame N of a paced run was due N / rate later.
    A last row that was cut off by a kill is no row.
    """
    rows = [line.split(",") for line in _whole_lines(log)]
    moments = {int(row[0]): float(row[3]) for row in reversed(rows)}
    found: dict[str, float | int] = {
        "lost": asked.frames - len(moments),
        "duplicates": len(rows) - len(moments),
    }
    if not moments:
        return found
    found["fps"] = len(moments) / (max(moments.values()) - start)
    found["processor_ms"] = 1e3 * spent_s / len(moments)
    if asked.rate:
        late_ms = sorted(1e3 * (at - start - seq / asked.rate) for seq, at in moments.items())
        found["p50_ms"], found["p99_ms"] = median(late_ms), _at(late_ms, 0.99)
    return found


def _whole_lines(log: Path) -> list[str]:
    if not log.exists():
        return []
    return [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
