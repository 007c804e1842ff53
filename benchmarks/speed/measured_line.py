"""The line between its first row and its last: how fast it is, and what its processes use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.line_run import listed
from benchmarks.speed.processor_time import by_name
from line.config import ROOT
from line.errors import StageDied

_LOOK_S = 0.01


@dataclass(frozen=True)
class MeasuredLine:
    """`processor_ms`: process → milliseconds of processor an item, start and end left out."""

    summary: dict[str, Any]
    lost: int
    duplicates: int
    fps: float
    processor_ms: dict[str, float] = field(default_factory=dict)

    @property
    def processor_ms_an_item(self) -> float:
        return sum(self.processor_ms.values())


def measure(items: int, options: Sequence[str], *, kill_after: int | None = None) -> MeasuredLine:
    """Run the line for so many items.

    `kill_after`: a worker is killed when the log has so many rows.

    Raises:
        StageDied: if the runner does not end well, or too soon to be measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, str(ROOT / "run_line.py"), "run", "--json", "--console=off"]
        process = subprocess.Popen(
            [*command, f"--run-dir={run_dir}", f"--items={items}", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        try:
            watch = _Watch(process, run_dir)
            first = watch.until(1)
            if kill_after is not None:
                watch.until(kill_after)
                _kill_a_worker(run_dir)
            last = watch.until(items)
            text, errors = process.communicate()
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()
        if process.returncode != 0:
            raise StageDied(f"the line ended with status {process.returncode}: {errors.strip()}")
        if last.rows == first.rows:
            raise StageDied(f"all {items} rows came at once, too soon to be measured")
        rows = (run_dir / "results.csv").read_text().splitlines()[1:]
        items_seen = {tuple(row.split(",", 2)[:2]) for row in rows}
        return MeasuredLine(
            summary=json.loads(text),
            lost=items - len(items_seen),
            duplicates=len(rows) - len(items_seen),
            fps=(last.rows - first.rows) / (last.at - first.at),
            processor_ms=_an_item(first, last),
        )


def by_role(processor_ms: dict[str, float]) -> dict[str, float]:
    """Processes of one role together, those of most time first: "worker-0" counts as "worker"."""
    roles: dict[str, float] = {}
    for name, spent in processor_ms.items():
        role = name.rstrip("0123456789").rstrip("-")
        roles[role] = roles.get(role, 0.0) + spent
    return dict(sorted(roles.items(), key=lambda entry: -entry[1]))


@dataclass(frozen=True)
class _Moment:
    at: float
    rows: int
    spent_s: dict[str, float]


class _Watch:
    """Follows the log of a run by its size, reading each byte once."""

    def __init__(self, runner: subprocess.Popen[str], run_dir: Path) -> None:
        self._runner = runner
        self._run_dir = run_dir
        self._offset = 0
        self._lines = 0

    def until(self, rows: int) -> _Moment:
        """The moment at which the log has so many rows. Raises StageDied if the line ends first."""
        while self._rows() < rows:
            if self._runner.poll() is not None and self._rows() < rows:
                _, errors = self._runner.communicate()
                raise StageDied(f"the line ended at row {self._rows()} of {rows}: {errors.strip()}")
            sleep(_LOOK_S)
        names = {entry["pid"]: entry["name"] for entry in listed(self._run_dir)}
        spent = by_name(self._runner.pid, names, "runner")
        return _Moment(monotonic(), self._rows(), spent)

    def _rows(self) -> int:
        """Without the line of headings."""
        try:
            with (self._run_dir / "results.csv").open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return 0
        self._offset += len(new)
        self._lines += new.count(b"\n")
        return max(0, self._lines - 1)


def _kill_a_worker(run_dir: Path) -> None:
    worker = next(entry for entry in listed(run_dir) if entry["role"] == "worker")
    os.kill(worker["pid"], signal.SIGKILL)


def _an_item(first: _Moment, last: _Moment) -> dict[str, float]:
    names: Iterable[str] = last.spent_s.keys() | first.spent_s.keys()
    items = max(1, last.rows - first.rows)
    return {
        name: 1e3 * (last.spent_s.get(name, 0.0) - first.spent_s.get(name, 0.0)) / items
        for name in sorted(names)
    }
