"""`python -m benchmarks.plant`: a line's rows in PostgreSQL, fast, and with the server killed.

- fill: a long finished run into an empty database, and again with the command killed on its way;
- storm: a run at `max` while the server is killed again and again: every row there, once;
- pairs: frames a second at `max` with the sink and without, in turns.

Ends with status 1 if a row is missing. The server is this machine's PostgreSQL, with its usual
settings, in a folder of its own on the same cores.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.plant.servers import PostgresServer, rows_of
from line.config import ROOT
from line.errors import StageDied
from line.outcome import COLUMNS
from line.run_files.results import FILE as RESULTS

app = typer.Typer(add_completion=False)
_PORT = 15_432
_SHORTEST_S, _LONGEST_S = 0.3, 1.3
"""From one kill of the server to the next."""
_PAIR_ITEMS = 3000
_CONTENT = (
    "SELECT count(*), count(DISTINCT (camera, seq)),"
    " md5(string_agg(i, '' ORDER BY camera, seq))"
    " FROM (SELECT (to_jsonb(items) - 'run')::text AS i, camera, seq FROM scrapline.items) AS x"
)


@app.command()
def main(
    rows: Annotated[int, typer.Option(min=0, help="of the finished run; 0 = leave it out")] = 10**6,
    stops: Annotated[int, typer.Option(min=0, help="kills of the command on its way")] = 10,
    items: Annotated[int, typer.Option(min=0, help="of the storm; 0 = leave it out")] = 20_000,
    kills: Annotated[int, typer.Option(min=0, help="of the server in the storm")] = 100,
    pairs: Annotated[int, typer.Option(min=0, help="of runs with and without the sink")] = 5,
    seed: Annotated[int, typer.Option(help="of the moments of kills")] = 1,
) -> None:
    """Measure what a database costs a line, and whether it has every row whatever is killed."""
    console = Console(highlight=False, width=120)
    rng = random.Random(seed)  # noqa: S311 - the same seed, the same storm
    is_whole = True
    with (
        tempfile.TemporaryDirectory(prefix="scrapline-", dir="/tmp") as name,
        PostgresServer(_PORT, is_durable=True) as server,
    ):
        folder = Path(name)
        if rows:
            is_whole &= _fill(server, folder, rows, stops, rng, console)
        if items:
            is_whole &= _storm(server, folder, items, kills, rng, console)
        if pairs:
            _pairs(server, folder, pairs, console)
    if not is_whole:
        raise typer.Exit(1)


def _fill(
    server: PostgresServer,
    folder: Path,
    rows: int,
    stops: int,
    rng: random.Random,
    console: Console,
) -> bool:
    run_dir = _long_run(folder, rows)
    at_once = server.database()
    began = monotonic()
    _sink(run_dir, at_once)
    took_s = monotonic() - began
    console.print(f"fill: {rows:,} rows in {took_s:.1f} s: {rows / took_s:,.0f} rows a second")
    broken = server.database()
    for _ in range(stops):
        process = _started(run_dir, broken)
        sleep(rng.uniform(0, took_s))
        process.kill()
        process.wait()
    _sink(run_dir, broken)
    first, second = rows_of(at_once, _CONTENT), rows_of(broken, _CONTENT)
    same = first == second and first[0][:2] == (rows, rows)
    console.print(f"fill, killed {stops} times: {'the same table' if same else 'ANOTHER TABLE'}")
    return same


def _long_run(folder: Path, rows: int) -> Path:
    """A real run of few items, with so many rows in the place of its own."""
    run_dir = folder / "long"
    run_line(run_dir, ["--items=100", "--speed=max"])
    header, *lines = (run_dir / RESULTS).read_text().splitlines()
    ends = [line.split(",", 4)[-1] for line in lines]
    assert COLUMNS[:4] == ("frame_id", "camera", "seq", "scheduled_s")
    with (run_dir / RESULTS).open("w") as file:
        file.write(f"{header}\n")
        file.writelines(
            f"0-{seq},0,{seq},{seq / 8!r},{ends[seq % len(ends)]}\n" for seq in range(rows)
        )
    return run_dir


def _started(run_dir: Path, dsn: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(ROOT / "run_line.py"), "sink", "postgres", str(run_dir)]
    return subprocess.Popen([*command, "--dsn", dsn], stdout=subprocess.DEVNULL, cwd=ROOT)


def _sink(run_dir: Path, dsn: str) -> None:
    if _started(run_dir, dsn).wait() != 0:
        raise StageDied("the sink command did not end well")


def _storm(
    server: PostgresServer,
    folder: Path,
    items: int,
    kills: int,
    rng: random.Random,
    console: Console,
) -> bool:
    dsn, run_dir = server.database(), folder / "storm"
    killer = _Killer(server, run_dir, kills, rng)
    killer.start()
    summary, _ = run_line(run_dir, [f"--items={items}", "--speed=max", *_with(dsn)])
    killer.stop()
    query = "SELECT count(*) FROM scrapline.items"
    at_end = rows_of(dsn, query)[0][0]
    _sink(run_dir, dsn)
    found, distinct, _ = rows_of(dsn, _CONTENT)[0]
    logged = summary["items"]["logged"]
    console.print(
        f"storm: server killed {killer.done} times, {logged:,} rows in results.csv, "
        f"{at_end:,} in the database at the end of the run, {found:,} after the command "
        f"({distinct:,} keys); {summary['throughput_fps']:.0f} frames a second"
    )
    return bool(found == distinct == logged == items)


class _Killer(threading.Thread):
    """Kills the server and starts it again, from the first row on."""

    def __init__(
        self, server: PostgresServer, run_dir: Path, kills: int, rng: random.Random
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self._server = server
        self._results = run_dir / RESULTS
        self._kills = kills
        self._rng = rng
        self._over = threading.Event()
        self.done = 0

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._results.exists():
            if self._over.wait(0.1):
                return
        while self.done < self._kills:
            if self._over.wait(self._rng.uniform(_SHORTEST_S, _LONGEST_S)):
                return
            self._server.kill()
            self.done += 1
            self._server.start()


def _pairs(server: PostgresServer, folder: Path, pairs: int, console: Console) -> None:
    ratios = []
    for number in range(pairs):
        rates = [
            _frames_per_s(folder / f"pair-{number}-{name}", options)
            for name, options in (("with", _with(server.database())), ("without", []))
        ]
        ratios.append(rates[0] / rates[1])
    told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    console.print(f"at max, with the sink ÷ without: median {median(ratios):.3f} ({told})")


def _frames_per_s(run_dir: Path, options: list[str]) -> float:
    summary: dict[str, Any]
    summary, _ = run_line(run_dir, [f"--items={_PAIR_ITEMS}", "--speed=max", *options])
    rate: float = summary["throughput_fps"]
    return rate


def _with(dsn: str) -> list[str]:
    return ["--set=postgres.enabled=true", f"--set=postgres.dsn={json.dumps(dsn)}"]


if __name__ == "__main__":
    run(app)
