"""Whether the camera keeps its pace, and memory its size, when far too many items come."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.line_run import Memory, run_line
from line.outcome import CLASSIFIED

_CALM_SHARE = 0.2
_FLOOD_FACTOR = 3.0


@dataclass(frozen=True)
class Run:
    """One run's summary, rows and memory."""

    summary: dict[str, Any]
    rows: pd.DataFrame
    memory: Memory

    @property
    def jitter_p99_ms(self) -> float:
        """Delay of the photo-eye's trigger behind its schedule."""
        jitter: float = self.summary["trigger_jitter_ms"]["p99"]
        return jitter

    @property
    def started_late(self) -> int:
        """Inferences that began after the deadline of their frame."""
        answered = self.rows[self.rows["verdict"].isin(list(CLASSIFIED))]
        return int((answered["queue_ms"] > self.summary["deadline_ms"]).sum())

    @property
    def without_reason(self) -> int:
        """Unanswered items whose row does not say why."""
        silent = self.rows[~self.rows["verdict"].isin(list(CLASSIFIED))]
        return int(silent["reason"].isna().sum())

    @property
    def growth_mb(self) -> float:
        """The most that a process of the line grew in the second half of its time."""
        halves = [values[len(values) // 2 :] for values in self.memory.values()]
        return max((half[-1] - half[0] for half in halves if half), default=0.0)


@dataclass(frozen=True)
class Overload:
    """The line with a fifth and with three times of what its worker can do."""

    calm: Run
    flood: Run

    def lines(self) -> list[tuple[str, str, str]]:
        """(what, unloaded, flooded) for the table."""
        return [(name, show(self.calm), show(self.flood)) for name, show in _FIGURES.items()]

    def facts(self) -> dict[str, object]:
        return {
            name: {
                "items": run.summary["items"],
                "verdicts": run.summary["verdicts"],
                "trigger_jitter_ms": run.summary["trigger_jitter_ms"],
                "started_after_deadline": run.started_late,
                "without_reason": run.without_reason,
                "memory_growth_mb": round(run.growth_mb, 2),
            }
            for name, run in (("calm", self.calm), ("flood", self.flood))
        }


_FIGURES: dict[str, Callable[[Run], str]] = {
    "fed": lambda run: str(run.summary["items"]["fed"]),
    "lost": lambda run: str(run.summary["items"]["lost"]),
    "dropped or expired": lambda run: str(
        run.summary["verdicts"]["dropped"] + run.summary["verdicts"]["expired"]
    ),
    "in time": lambda run: f"{run.summary['in_time_rate']:.1%}",
    "trigger jitter p99": lambda run: f"{run.jitter_p99_ms:.2f} ms",
    "inference begun after the deadline": lambda run: str(run.started_late),
    "rows without a reason": lambda run: str(run.without_reason),
    "largest growth of a process": lambda run: f"{run.growth_mb:+.1f} MB",
}


def measure(model: Path, worker_fps: float, belt_s: float) -> Overload:
    """`worker_fps`: what one worker can do; the infeed is a multiple of it."""
    return Overload(
        calm=_run(model, _CALM_SHARE * worker_fps, belt_s),
        flood=_run(model, _FLOOD_FACTOR * worker_fps, belt_s),
    )


def _run(model: Path, items_per_s: float, belt_s: float) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        options = ["--workers=1", f"--interval={1 / items_per_s}", f"--duration={belt_s}"]
        source = ["--source=procedural", f"--model={model}"]
        summary, memory = run_line(run_dir, [*source, *options])
        return Run(summary, pd.read_csv(run_dir / "results.csv"), memory)
