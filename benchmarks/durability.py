"""What it costs that rows survive a power cut: the line, and the CSV log alone, with and without.

The line draws small pictures and has two workers, so that the sinks' part shows as much as it can
with a real model.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.line_run import run_line
from line.outcome import Outcome, Verdict, encode_top3
from sinks.csv_log import CsvLog

_MODES = ("process", "power")
_BATCH_ROWS = 8
"""Rows in one write: about what comes together within the rest that a sink takes."""
_LOG_ROWS = 4000


@dataclass(frozen=True)
class Round:
    """Items a second with `process` and with `power`, measured one after the other."""

    line: tuple[float, float]
    log: tuple[float, float]


@dataclass(frozen=True)
class Durability:
    """Ratios are taken within a round."""

    rounds: list[Round]

    @property
    def line_ratio(self) -> float:
        """Items a second of the whole line: `power` ÷ `process`."""
        return median(r.line[1] / r.line[0] for r in self.rounds)

    @property
    def log_ratio(self) -> float:
        """Rows a second of the CSV log alone: `power` ÷ `process`."""
        return median(r.log[1] / r.log[0] for r in self.rounds)

    def facts(self) -> dict[str, object]:
        return {
            "line_ratio": round(self.line_ratio, 4),
            "log_ratio": round(self.log_ratio, 4),
            "line_items_per_s": [[round(fps, 2) for fps in r.line] for r in self.rounds],
            "log_rows_per_s": [[round(rate) for rate in r.log] for r in self.rounds],
        }


def measure(model: Path, frames: int, rounds: int, folder: Path) -> Durability:
    """`folder`: run folders are made in it; its disk is the one that is measured."""
    return Durability(
        [
            Round(
                line=(
                    _line(model, frames, "process", folder),
                    _line(model, frames, "power", folder),
                ),
                log=(_log(folder, sync=False), _log(folder, sync=True)),
            )
            for _ in range(rounds)
        ]
    )


def _line(model: Path, frames: int, durability: str, folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        small = ["--set=camera.width_px=96", "--set=camera.height_px=72", f"--items={frames}"]
        pace = ["--speed=max", "--workers=2", "--source=procedural", f"--model={model}"]
        setting = f"--set=results.durability={durability}"
        summary, _ = run_line(Path(name) / "run", [*pace, *small, setting])
        fps: float = summary["throughput_fps"]
        return fps


def _log(folder: Path, *, sync: bool) -> float:
    batches = [
        [_outcome(seq) for seq in range(first, first + _BATCH_ROWS)]
        for first in range(0, _LOG_ROWS, _BATCH_ROWS)
    ]
    with (
        tempfile.TemporaryDirectory(dir=folder) as name,
        closing(CsvLog(Path(name) / "results.csv", sync=sync)) as log,
    ):
        began = perf_counter()
        for batch in batches:
            log.store(batch)
        return _LOG_ROWS / (perf_counter() - began)


def _outcome(seq: int) -> Outcome:
    return Outcome(
        camera=0,
        seq=seq,
        scheduled_s=seq / 8,
        true_class="glass",
        predicted_class="glass",
        confidence=0.9,
        top3=encode_top3([("glass", 0.9), ("plastic", 0.07), ("paper", 0.03)]),
        verdict=Verdict.SORTED,
        latency_ms=21.5,
        slack_ms=728.5,
        worker="worker-0#1",
        attempts=1,
        model="0123456789ab",
        mass_g=210.0,
        queue_ms=15.25,
        inference_ms=6.25,
        picture_crc32=4294967295,
    )
