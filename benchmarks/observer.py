"""`python -m benchmarks.observer`: what one subscriber of the feed costs a line at `--speed max`.

One run; a subscriber listens and is away in turns of a few seconds, so that both see the same
machine. Prints the ratio of rows a second, and the dispatcher's processor time for an item.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Annotated

import typer

from line.config import ROOT
from line.errors import BadInput
from line.observe.control_client import Control
from line.observe.observer import Observer


@dataclass(frozen=True, slots=True)
class _Turn:
    rows_per_s: float
    dispatcher_ms: float
    """processor time for a row"""


def main(
    turns: Annotated[int, typer.Option(min=1, help="with and without, each")] = 6,
    turn_s: Annotated[float, typer.Option(min=1)] = 4.0,
) -> None:
    """Measure and print."""
    alone, heard = [], []
    with _line() as control:
        pid = _dispatcher(control)
        for _ in range(turns):
            alone.append(_turn(control, pid, turn_s, None))
            with Observer(control.runtime_dir) as observer:
                heard.append(_turn(control, pid, turn_s, observer))
        control.order("stop", "benchmark")
    pairs = zip(alone, heard, strict=True)
    ratio = median(after.rows_per_s / before.rows_per_s for before, after in pairs)
    for name, them in (("nobody listens", alone), ("one subscriber", heard)):
        rows = median(turn.rows_per_s for turn in them)
        print(f"{name}: {rows:.0f} rows/s, dispatcher {_cost_ms(them):.2f} ms a row")
    print(f"ratio of rows a second, median of {turns} pairs: {ratio:.3f}")


@contextmanager
def _line() -> Iterator[Control]:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        options = ("--source", "procedural", "--speed", "max", "--workers", "1", "--quiet")
        command = [sys.executable, str(ROOT / "run_line.py"), "run", f"--run-dir={run_dir}"]
        process = subprocess.Popen([*command, *options], cwd=ROOT)
        try:
            with _connected(run_dir, process) as control:
                yield control
            process.wait()
        finally:
            process.kill()
            process.wait()


def _connected(run_dir: Path, process: subprocess.Popen[bytes]) -> Control:
    while process.poll() is None:
        try:
            return Control.of(run_dir)
        except BadInput:
            sleep(0.1)
    raise BadInput("the line has ended before anybody could look on")


def _dispatcher(control: Control) -> int:
    """Its process number, once the line is under way."""
    control.watch()
    while not control.ended:
        for status in control.receive(1.0):
            if status["logged"] > 50:
                found = {each["name"]: each["pid"] for each in status["processes"]}
                return int(found["dispatcher"])
    raise BadInput("the line has ended before anything was measured")


def _turn(control: Control, pid: int, turn_s: float, observer: Observer | None) -> _Turn:
    sleep(0.5)  # until the subscription has arrived, or is gone
    began, rows, cpu_s = monotonic(), _logged(control), _cpu_s(pid)
    while monotonic() < began + turn_s:
        if observer is None:
            sleep(0.05)
        else:
            observer.receive(timeout_s=0.05)
    passed_s, cpu_s = monotonic() - began, _cpu_s(pid) - cpu_s
    count = _logged(control) - rows
    return _Turn(count / passed_s, 1000 * cpu_s / count)


def _logged(control: Control) -> int:
    """Rows written, as of now."""
    control.receive()
    return int(control.receive(5.0)[-1]["logged"])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cost_ms(turns: list[_Turn]) -> float:
    return median(turn.dispatcher_ms for turn in turns)


if __name__ == "__main__":
    typer.run(main)
