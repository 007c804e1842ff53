"""What a swap of the model costs a line under load: the longest gap between two decisions.

Two workers on a paced clock; the new model is the old one with one more entry in its metadata, so
that nothing but the swap itself is measured. A gap of the swap is set against one of the same run
before it.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

from drill.page import Table
from line.config import ROOT
from line.errors import BadInput, StageDied
from line.observe.control_client import Control

WORKERS = 2
ITEMS_PER_S = 50
LIMIT_MS = 200.0
_CALM_S = 8.0
_START_S = 60.0
_SWAP_S = 120.0


@dataclass(frozen=True)
class Round:
    """One run; gaps in milliseconds of wall time."""

    calm_ms: float
    swap_ms: float
    took_s: float
    """from the order to its end"""
    fed: int
    lost: int
    in_time: float
    """share of the items fed"""

    @property
    def longer_ms(self) -> float:
        """The gap during the swap beyond the undisturbed one."""
        return self.swap_ms - self.calm_ms


@dataclass(frozen=True)
class Swaps:
    """All rounds."""

    rounds: list[Round]

    @property
    def longer_ms(self) -> float:
        return median(r.longer_ms for r in self.rounds)

    def facts(self) -> dict[str, object]:
        return {
            "longer_ms": round(self.longer_ms, 1),
            "limit_ms": LIMIT_MS,
            "workers": WORKERS,
            "items_per_s": ITEMS_PER_S,
            "rounds": [asdict(r) for r in self.rounds],
        }


def table(result: Swaps) -> Table:
    rows = [
        (
            str(number),
            f"{r.calm_ms:.0f} ms",
            f"{r.swap_ms:.0f} ms",
            f"{r.longer_ms:+.0f} ms",
            f"{r.took_s:.1f} s",
            f"{r.in_time:.1%}",
            str(r.fed),
            str(r.lost),
        )
        for number, r in enumerate(result.rounds, 1)
    ]
    within = "less" if result.longer_ms < LIMIT_MS else "not less"
    return Table(
        f"Another model, {WORKERS} workers, {ITEMS_PER_S} items a second: longest gap between two "
        f"decisions ({within} than {LIMIT_MS:.0f} ms longer)",
        ("round", "undisturbed", "during the swap", "longer", "it took", "in time", "fed", "lost"),
        rows,
        ("median", "", "", f"{result.longer_ms:+.0f} ms", "", "", "", ""),
    )


def measure(model: Path, rounds: int) -> Swaps:
    """`model`: an ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.onnx"
        copy.write_bytes(model.read_bytes() + _metadata("scrapline.copy", "yes"))
        return Swaps([_round(model, copy, Path(folder) / f"run-{n}") for n in range(rounds)])


def _round(model: Path, other: Path, run_dir: Path) -> Round:
    command = [sys.executable, "run_line.py", "run", "--json", f"--run-dir={run_dir}"]
    options = [f"--model={model}", f"--workers={WORKERS}", f"--interval={1 / ITEMS_PER_S}"]
    process = subprocess.Popen(
        [*command, *options, "--duration=600", "--set=console.on=off"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    try:
        begun_s, ended_s = _swapped(run_dir, other)
        text, _ = process.communicate()
    finally:
        process.kill()
        process.wait()
    summary = json.loads(text)
    moments = sorted(_decided_at(run_dir / "results.csv"))
    return Round(
        calm_ms=_longest_gap_ms(moments, begun_s - _CALM_S, begun_s),
        swap_ms=_longest_gap_ms(moments, begun_s, ended_s),
        took_s=round(ended_s - begun_s, 2),
        fed=summary["items"]["fed"],
        lost=summary["items"]["lost"],
        in_time=summary["in_time_rate"],
    )


def _swapped(run_dir: Path, other: Path) -> tuple[float, float]:
    """Have the line swap once it is in full swing; belt seconds of the order and of its end."""
    with _control(run_dir) as control:
        control.watch()
        begun_s = _await(control, lambda status: status["belt_s"] > _CALM_S + 3)
        control.order("swap", "benchmark", model=str(other))
        ended_s = _await(control, lambda status: (status["swap"] or {}).get("state") == "done")
        control.order("drain", "benchmark")
    return begun_s, ended_s


def _control(run_dir: Path) -> Control:
    deadline = monotonic() + _START_S
    while monotonic() < deadline:
        try:
            return Control.of(run_dir)
        except BadInput:
            sleep(0.1)
    raise StageDied(f"{run_dir}: the line does not start")


def _await(control: Control, holds: Callable[[dict[str, Any]], bool]) -> float:
    """Belt second at which the status first `holds`."""
    deadline = monotonic() + _SWAP_S
    while monotonic() < deadline and not control.ended:
        for status in control.receive(1.0):
            if holds(status):
                return float(status["belt_s"])
    raise StageDied("the swap did not come to its end")


def _decided_at(path: Path) -> Iterator[float]:
    """Wall seconds from belt second 0: the clock runs at 1."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["latency_ms"]:
                yield float(row["scheduled_s"]) + float(row["latency_ms"]) / 1000


def _longest_gap_ms(moments: list[float], begin_s: float, end_s: float) -> float:
    gaps = [b - a for a, b in pairwise(moments) if begin_s <= b and a <= end_s]
    return round(1000 * max(gaps, default=end_s - begin_s), 1)


def _metadata(key: str, value: str) -> bytes:
    """One more entry for a model file: field 14 of ModelProto; protobuf merges what is appended."""
    entry = _field(1, key.encode()) + _field(2, value.encode())
    return _field(14, entry)


def _field(number: int, data: bytes) -> bytes:
    assert len(data) < 128, "longer ones need a length of several bytes"
    return bytes([number << 3 | 2, len(data)]) + data
