"""`python -m benchmarks.plant`: a line's rows in PostgreSQL and on MQTT, with the servers killed.

- fill: a long finished run into an empty database, and again with the command killed on its way;
- storm: a run at `max` while both servers are killed again and again: every row in the database,
  once, and heard by a listener;
- pairs: frames a second at `max` with a sink and without, with both and without, in turns.

Ends with status 1 if a row is missing in the database. The servers are this machine's PostgreSQL,
with its usual settings, and Mosquitto, in folders of their own on the same cores.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.plant.listener import Listener
from benchmarks.plant.servers import MosquittoServer, PostgresServer, rows_of
from line.config import ROOT
from line.errors import StageDied
from line.outcome import COLUMNS
from line.run_files.results import FILE as RESULTS

app = typer.Typer(add_completion=False)
_PORT = 15_432
_SHORTEST_S, _LONGEST_S = 0.2, 0.8
"""From one kill to the next, of either server."""
_LAST_MESSAGES_S = 5.0
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
    kills: Annotated[int, typer.Option(min=0, help="of each server in the storm")] = 100,
    pairs: Annotated[int, typer.Option(min=0, help="of runs with and without the sink")] = 5,
    seed: Annotated[int, typer.Option(help="of the moments of kills")] = 1,
) -> None:
    """Measure what the servers of a plant cost a line, and whether they have every row."""
    console = Console(highlight=False, width=120)
    rng = random.Random(seed)  # noqa: S311 - the same seed, the same storm
    is_whole = True
    with (
        tempfile.TemporaryDirectory(prefix="scrapline-", dir="/tmp") as name,
        PostgresServer(_PORT, is_durable=True) as server,
        MosquittoServer(_PORT + 1) as broker,
    ):
        folder = Path(name)
        if rows:
            is_whole &= _fill(server, folder, rows, stops, rng, console)
        if items:
            is_whole &= _storm(server, broker, folder, items, kills, rng, console)
        if pairs:
            _pairs(server, broker, folder, pairs, console)
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
    broker: MosquittoServer,
    folder: Path,
    items: int,
    kills: int,
    rng: random.Random,
    console: Console,
) -> bool:
    dsn, run_dir = server.database(), folder / "storm"
    heard = _HeardItems()
    with closing(Listener(broker.port, heard)):
        broker.kill(signal.SIGTERM)  # it has the listener's session on its disk from now on
        broker.start()
        killer = _Killer((server, broker), run_dir, kills, rng)
        killer.start()
        sinks = [*_database(dsn), *_broker(broker)]
        summary, _ = run_line(run_dir, [f"--items={items}", "--speed=max", *sinks])
        killer.stop()
        sleep(_LAST_MESSAGES_S)
    query = "SELECT count(*) FROM scrapline.items"
    at_end = rows_of(dsn, query)[0][0]
    _sink(run_dir, dsn)
    found, distinct, _ = rows_of(dsn, _CONTENT)[0]
    logged = summary["items"]["logged"]
    console.print(
        f"storm: servers killed {killer.done} times each, {logged:,} rows in results.csv, "
        f"{at_end:,} in the database at the end of the run, {found:,} after the command "
        f"({distinct:,} keys); the listener heard {len(heard.seqs):,} of them, "
        f"in {heard.messages:,} messages; {summary['throughput_fps']:.0f} frames a second"
    )
    return bool(found == distinct == logged == items)


class _Killer(threading.Thread):
    """Kills the servers in turn and starts them again, from the first row on."""

    def __init__(
        self,
        servers: tuple[PostgresServer, MosquittoServer],
        run_dir: Path,
        kills: int,
        rng: random.Random,
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self._servers = servers
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
            for server in self._servers:
                if self._over.wait(self._rng.uniform(_SHORTEST_S, _LONGEST_S)):
                    return
                server.kill()
                server.start()
            self.done += 1


def _pairs(
    server: PostgresServer, broker: MosquittoServer, folder: Path, pairs: int, console: Console
) -> None:
    ratios: dict[str, list[float]] = {"postgres": [], "mqtt": [], "both": []}
    for number in range(pairs):
        for name, found in ratios.items():
            sinks = [*_database(server.database())] if name != "mqtt" else []
            sinks += _broker(broker) if name != "postgres" else []
            rates = [
                _frames_per_s(folder / f"pair-{number}-{name}-{len(options)}", options)
                for options in (sinks, [])
            ]
            found.append(rates[0] / rates[1])
    for name, found in ratios.items():
        told = ", ".join(f"{ratio:.3f}" for ratio in found)
        console.print(f"at max, with {name} ÷ without: median {median(found):.3f} ({told})")


def _frames_per_s(run_dir: Path, options: list[str]) -> float:
    summary: dict[str, Any]
    summary, _ = run_line(run_dir, [f"--items={_PAIR_ITEMS}", "--speed=max", *options])
    rate: float = summary["throughput_fps"]
    return rate


def _database(dsn: str) -> list[str]:
    return ["--set=postgres.enabled=true", f"--set=postgres.dsn={json.dumps(dsn)}"]


def _broker(broker: MosquittoServer) -> list[str]:
    return ["--set=mqtt.enabled=true", f"--set=mqtt.port={broker.port}"]


class _HeardItems:
    """Which items were heard, in how many messages."""

    def __init__(self) -> None:
        self.seqs: set[int] = set()
        self.messages = 0

    def __call__(self, topic: str, facts: Any, retained: bool) -> None:
        if topic.endswith("/items"):
            self.messages += 1
            self.seqs.add(facts["seq"])


if __name__ == "__main__":
    run(app)
