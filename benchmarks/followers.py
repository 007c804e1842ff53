"""`python -m benchmarks.followers`: storms with and without trouble for what follows the log.

The trouble, for half a minute in the middle of each belt: the review queue is locked, the alerts'
disk is full and the console is frozen. Then frames a second at `max` with a locked queue against
without. The two storms of a seed, and the two lines of a pair, run side by side, so that both see
the same machine. Ends with status 1 if an item was lost.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.entry import run
from commands.run_setup.settings import checked_model, settings_of
from drill.one_storm import Order, run_drill
from drill.plan import KINDS, parse_seeds
from line.config import ROOT
from line.errors import StageDied
from line.outcome import IN_TIME, Verdict

app = typer.Typer(add_completion=False)
_LOOK_S = 0.1
_BELT_S = 120
_ITEMS_PER_MIN = 600
"""Of each of the two belts that share the machine."""
_BEGIN_S = 40.0
"""Of service, until the trouble begins."""
_TROUBLE_S = 30.0
_FAULTS = 27
_PORT = 18_460
_PAIR_ITEMS = 1500


@dataclass(frozen=True)
class Storm:
    """One storm's figures."""

    fed: int
    lost: int
    in_time: float
    dropped: int
    longest_gap_s: float
    queued: int

    @classmethod
    def of(cls, found: dict[str, Any], run_dir: Path) -> Storm:
        audit = found["audit"]
        counts = audit["verdicts"]
        queue = run_dir / "review" / "queue.sqlite"
        with closing(sqlite3.connect(queue)) as database:
            (queued,) = database.execute("SELECT count(*) FROM items").fetchone()
        return cls(
            fed=audit["fed"],
            lost=audit["lost"] + audit["duplicates"] + audit["unexplained"],
            in_time=sum(counts.get(verdict, 0) for verdict in IN_TIME) / max(1, audit["rows"]),
            dropped=counts.get(Verdict.DROPPED, 0),
            longest_gap_s=audit["longest_gap_s"] or 0.0,
            queued=queued,
        )


class _Trouble(threading.Thread):
    """Locks, fills and freezes what follows the log of one run, for a while."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(name="trouble", daemon=True)
        self._run_dir = run_dir
        self._over = threading.Event()
        self.lasted_s = 0.0

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not (self._run_dir / "results.csv").exists():
            if self._over.wait(_LOOK_S):
                return
        if self._over.wait(_BEGIN_S):
            return
        began = monotonic()
        with locked(self._run_dir / "review" / "queue.sqlite"):
            while monotonic() < began + _TROUBLE_S and not self._over.wait(_LOOK_S):
                self._hit(full=True)
        self._hit(full=False)
        self.lasted_s = monotonic() - began

    def _hit(self, *, full: bool) -> None:
        """Whoever has these names now: they may have been replaced."""
        for name, pid in _processes(self._run_dir):
            with suppress(ProcessLookupError, PermissionError):
                if name == "console":
                    os.kill(pid, signal.SIGSTOP if full else signal.SIGCONT)
                elif name == "alerts":
                    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 if full else hard, hard))


@contextmanager
def locked(queue: Path) -> Iterator[None]:
    """Nobody else writes to the SQLite file meanwhile."""
    with closing(sqlite3.connect(queue, timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def _processes(run_dir: Path) -> list[tuple[str, int]]:
    try:
        listed = json.loads((run_dir / "processes.json").read_bytes())["processes"]
    except (OSError, ValueError):
        return []
    return [(process["name"], process["pid"]) for process in listed]


def storm(seed: int, folder: Path, *, trouble: bool) -> Storm:
    """One storm, with or without trouble for those that follow the log."""
    given = [
        *("console.on=on", f"console.port={_PORT + trouble}"),
        f"infeed.items_per_min={_ITEMS_PER_MIN}",
    ]
    options: dict[str, object | None] = {"line.duration_s": _BELT_S, "line.seed": seed}
    settings = settings_of(None, "storm", options, given)
    model = Path(checked_model(settings).facts.path)
    run_dir = folder / f"{'with' if trouble else 'without'}-{seed}"
    order = Order(settings, "storm", given, model, run_dir, _FAULTS, tuple(KINDS))
    hits = _Trouble(run_dir)
    if trouble:
        hits.start()
    found = run_drill(order, Console(quiet=True), f"seed {seed}")
    if trouble:
        hits.stop()
        if hits.lasted_s < _TROUBLE_S:
            raise StageDied(f"seed {seed}: the trouble lasted {hits.lasted_s:.1f} s only")
    return Storm.of(found, run_dir)


def both_storms(seed: int, folder: Path) -> tuple[Storm, Storm]:
    """Without and with trouble, at the same time."""
    with ThreadPoolExecutor() as pool:
        without, with_ = (
            pool.submit(storm, seed, folder, trouble=trouble) for trouble in (False, True)
        )
        return without.result(), with_.result()


def frames_per_s(folder: Path, *, lock: bool) -> float:
    """Of a line at `max` whose review queue is locked all the time, or not."""
    run_dir = folder / f"max-{monotonic():.0f}-{'locked' if lock else 'not'}"
    command = [sys.executable, str(ROOT / "run_line.py"), "run", "--json", "--speed=max"]
    line = subprocess.Popen(
        [*command, f"--items={_PAIR_ITEMS}", f"--run-dir={run_dir}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    queue = run_dir / "review" / "queue.sqlite"
    if lock:
        while not (queue.exists() and (run_dir / "results.csv").exists()):
            sleep(0.01)
        with locked(queue):
            while line.poll() is None and not (run_dir / "run.json").exists():
                sleep(_LOOK_S)
    text, _ = line.communicate()
    summary = json.loads(text)
    assert summary["items"]["lost"] == 0
    rate: float = summary["throughput_fps"]
    return rate


def locked_to_not(folder: Path) -> float:
    """Frames a second of a line whose queue is locked ÷ of one beside it whose queue is not."""
    with ThreadPoolExecutor() as pool:
        with_, without = (
            pool.submit(frames_per_s, folder, lock=lock).result for lock in (True, False)
        )
        return with_() / without()


@app.command()
def main(
    seeds: Annotated[str, typer.Option(help="7, 1,2,5 or 1..20")] = "1..20",
    pairs: Annotated[int, typer.Option(min=0, help="of runs at max")] = 5,
) -> None:
    """Run storms and floods with and without trouble for those that follow the log."""
    console = Console(highlight=False, width=120)
    with tempfile.TemporaryDirectory(prefix="scrapline-", dir="/tmp") as name:
        folder = Path(name)
        found = []
        for seed in parse_seeds(seeds):
            found.append((seed, *both_storms(seed, folder)))
            console.print(*_cells(*found[-1]), sep="   ")
        console.print(_table(found))
        ratios = [locked_to_not(folder) for _ in range(pairs)]
    if ratios:
        told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        console.print(f"at max, locked ÷ not: median {median(ratios):.3f} ({told})")
    if any(each.lost for _, *both in found for each in both):
        raise typer.Exit(1)


def _cells(seed: int, without: Storm, with_: Storm) -> tuple[str, ...]:
    return (
        str(seed),
        f"{without.fed} → {with_.fed}",
        f"{without.lost} → {with_.lost}",
        f"{without.in_time:.4f} → {with_.in_time:.4f}",
        f"{without.dropped} → {with_.dropped}",
        f"{without.longest_gap_s:.2f} → {with_.longest_gap_s:.2f} s",
        f"{without.queued} → {with_.queued}",
    )


def _table(found: Sequence[tuple[int, Storm, Storm]]) -> Table:
    table = Table(title="without → with trouble", box=None, pad_edge=False)
    for heading in ("seed", "fed", "lost", "in time", "dropped", "longest gap", "queued"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(*_cells(*each))
    pairs = [(without, with_) for _, without, with_ in found]
    table.add_row(
        "median of the differences",
        "",
        "",
        _difference([b.in_time - a.in_time for a, b in pairs], "{:+.4f} ± {:.4f}"),
        _difference([b.dropped - a.dropped for a, b in pairs], "{:+.0f} ± {:.0f}"),
        _difference([b.longest_gap_s - a.longest_gap_s for a, b in pairs], "{:+.2f} ± {:.2f} s"),
        "",
    )
    return table


def _difference(differences: Sequence[float], form: str) -> str:
    """Its median, and the scatter of one storm: the median distance from it."""
    middle = median(differences)
    return form.format(middle, median(abs(each - middle) for each in differences))


if __name__ == "__main__":
    run(app)
