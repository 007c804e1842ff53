"""What a worker killed every second costs: frames a second, undisturbed and under kills, in turn.

Four workers at `--speed max`, which loses nothing: whatever a kill takes away shows as time. The
pictures are files, so that drawing does not take the processor from the workers.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.line_run import listed, run_line
from benchmarks.throughput import write_frames
from drill.page import Table

WORKERS = 4
PERIOD_S = 1.0
_PICTURES = 200
_FACTOR = 6
"""Items for each frame of the other benchmarks: a run must last for many kills."""


@dataclass(frozen=True)
class Round:
    """Frames a second of both, measured one after the other."""

    calm_fps: float
    killed_fps: float
    kills: int
    lost: int
    duplicates: int

    @property
    def ratio(self) -> float:
        return self.killed_fps / self.calm_fps


@dataclass(frozen=True)
class Kills:
    """All rounds. Ratios are taken within a round."""

    rounds: list[Round]

    @property
    def ratio(self) -> float:
        """Under kills ÷ undisturbed."""
        return median(r.ratio for r in self.rounds)

    def facts(self) -> dict[str, object]:
        return {
            "ratio": round(self.ratio, 4),
            "workers": WORKERS,
            "period_s": PERIOD_S,
            "rounds": [
                {
                    "calm_fps": round(r.calm_fps, 2),
                    "killed_fps": round(r.killed_fps, 2),
                    "kills": r.kills,
                    "lost": r.lost,
                    "duplicates": r.duplicates,
                }
                for r in self.rounds
            ],
        }


def table(result: Kills) -> Table:
    rows = [
        (
            str(number),
            f"{r.calm_fps:.1f} fps",
            f"{r.killed_fps:.1f} fps",
            f"{r.ratio:.3f}",
            str(r.kills),
            str(r.lost),
            str(r.duplicates),
        )
        for number, r in enumerate(result.rounds, 1)
    ]
    return Table(
        f"{WORKERS} workers at --speed max, one of them killed every {PERIOD_S:g} s",
        ("round", "undisturbed", "under kills", "ratio", "kills", "lost", "duplicates"),
        rows,
        ("median", "", "", f"{result.ratio:.3f}", "", "", ""),
    )


def measure(model: Path, frames: int, rounds: int) -> Kills:
    """`frames` as for the other benchmarks; these runs take several times as many."""
    with tempfile.TemporaryDirectory() as folder:
        write_frames(Path(folder), _PICTURES)
        options = [
            "--speed=max",
            f"--workers={WORKERS}",
            f"--model={model}",
            f"--source={folder}",
            "--set=source.order=random",
            "--set=camera.effects=off",
            f"--items={_FACTOR * frames}",
        ]
        return Kills([_round(options, seed) for seed in range(rounds)])


def _round(options: list[str], seed: int) -> Round:
    with tempfile.TemporaryDirectory() as folder:
        calm, _ = run_line(Path(folder) / "calm", options)
        run_dir = Path(folder) / "killed"
        with _Killer(run_dir, seed) as killer:
            killed, _ = run_line(run_dir, options)
    return Round(
        calm_fps=calm["throughput_fps"],
        killed_fps=killed["throughput_fps"],
        kills=killer.kills,
        lost=killed["items"]["lost"],
        duplicates=killed["items"]["duplicates"],
    )


class _Killer:
    """Kills a worker every second, from the first row on. Context manager: a thread."""

    def __init__(self, run_dir: Path, seed: int) -> None:
        self._run_dir = run_dir
        self._rng = random.Random(seed)  # noqa: S311 - the same victims in each turn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def __enter__(self) -> _Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PERIOD_S):
            workers = [each for each in listed(self._run_dir) if _serves(each)]
            if workers and self._has_rows():
                with suppress(ProcessLookupError):
                    os.kill(self._rng.choice(workers)["pid"], signal.SIGKILL)
                    self.kills += 1

    def _has_rows(self) -> bool:
        path = self._run_dir / "results.csv"
        return path.exists() and path.read_bytes()[:1000].count(b"\n") > 1


def _serves(entry: dict[str, Any]) -> bool:
    return bool(entry["role"] == "worker" and entry["ready"])
