"""`python -m benchmarks.scale`: a line on a Ray cluster of several nodes, all on this machine.

- storm: nodes killed and frozen, the head killed and frozen, links cut, in an order that a seed
  decides, while a line runs: every item with one row; how long no answer came after each, and how
  long until Ray had started as many workers as before;
- pairs: frames a second at `max` with workers as Ray's actors on this machine, which get pictures
  in shared memory or over TCP, and with the same as local processes, in turns; pictures raw, and as
  JPEG;
- sweep: a plan on the cluster with two nodes killed meanwhile, and the same plan without one.

Ends with status 1 if an item was lost or had two rows, or the two plans differ.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from threading import Thread
from time import monotonic, sleep
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.scale.cluster import Cluster, free_port, send
from benchmarks.scale.storms import NODES, Recovery, storm
from line.config import ROOT
from line.errors import StageDied

app = typer.Typer(add_completion=False)
_OWN_CLUSTER = ("--set=placement.kind=ray", "--set=placement.address=local")
_WAYS = {"memory": "in shared memory", "tcp": "over TCP"}
"""As `placement.own_machine` names them."""
_KILLS_AFTER_S = (4.0, 12.0)
"""Of the nodes, from the sweep's begin."""


@app.command()
def main(
    storms: Annotated[int, typer.Option(min=0, help="each with five faults")] = 20,
    workers: Annotated[int, typer.Option(min=1, help="of the storms' line")] = 8,
    pairs: Annotated[int, typer.Option(min=0, help="of runs on Ray and without, each way")] = 5,
    way: Annotated[
        list[str] | None, typer.Option(help="of pictures in the pairs: memory, tcp; both if none")
    ] = None,
    items: Annotated[int, typer.Option(min=100, help="of each of these runs")] = 3000,
    points: Annotated[int, typer.Option(min=0, help="of the plan; 0 = leave it out")] = 200,
    profile: Annotated[
        Path | None, typer.Option(help="of the plan; not given: one is measured first")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the first storm")] = 1,
) -> None:
    """Break a cluster under a line, and measure what it costs to have one."""
    console = Console(highlight=False, width=120)
    is_whole = True
    with tempfile.TemporaryDirectory(prefix="scrapline-", dir="/tmp") as name:
        folder = Path(name)
        if storms:
            is_whole &= _storms(range(seed, seed + storms), workers, folder, console)
        if pairs:
            _pairs(pairs, items, way or list(_WAYS), folder, console)
        if points:
            is_whole &= _sweep(points, profile, folder, console)
    if not is_whole:
        raise typer.Exit(1)


def _storms(seeds: range, workers: int, folder: Path, console: Console) -> bool:
    recoveries: dict[str, list[Recovery]] = defaultdict(list)
    is_whole = True
    for seed in seeds:
        found = storm(seed, workers, folder)
        console.print(
            f"storm {seed}: fed {found.fed}, lost {found.lost}, duplicates {found.duplicates}, "
            f"failed {found.failed}"
        )
        is_whole &= not (found.lost or found.duplicates)
        for recovery in found.recoveries:
            recoveries[recovery.kind].append(recovery)
    for kind, some in sorted(recoveries.items()):
        gaps = [each.gap_s for each in some]
        whole = [each.whole_s for each in some if each.whole_s is not None]
        never = len(some) - len(whole)
        console.print(
            f"{kind:12} no answer for {median(gaps):.2f} s (longest {max(gaps):.2f}); all workers "
            f"again after {median(whole) if whole else 0:.1f} s (longest "
            f"{max(whole, default=0):.1f}){f'; {never} times not at all' if never else ''}"
        )
    return is_whole


def _pairs(pairs: int, items: int, ways: list[str], folder: Path, console: Console) -> None:
    ratios: dict[str, list[float]] = defaultdict(list)
    for number in range(pairs):
        for encoding in ("raw", "jpeg"):
            options = (f"--items={items}", "--speed=max", f"--set=camera.encoding={encoding}")
            local = _rate(folder / f"local-{encoding}-{number}", options)
            for way in ways:
                on_ray = (*_OWN_CLUSTER, f"--set=placement.own_machine={way}")
                rays = _rate(folder / f"{way}-{encoding}-{number}", (*options, *on_ray))
                kind = f"{encoding} {_WAYS[way]}"
                ratios[kind].append(rays / local)
                console.print(
                    f"pair {number + 1}, {kind}: {local:.1f} frames a second by local workers, "
                    f"{rays:.1f} by Ray's: {ratios[kind][-1]:.3f}"
                )
    for kind, some in ratios.items():
        console.print(f"{kind}: median {median(some):.3f} of {len(some)} pairs")


def _rate(run_dir: Path, options: Iterable[str]) -> float:
    beforehand = ("--set=console.on=off", "--set=camera.prepare=all")
    summary, _ = run_line(run_dir, [*beforehand, *options])
    rate: float = summary["throughput_fps"]
    return rate


def _sweep(points: int, profile: Path | None, folder: Path, console: Console) -> bool:
    if profile is None:
        profile = folder / "profile.json"
        _command("profile", f"--out={profile}")
    speeds = ",".join(f"{0.2 + 0.02 * n:.2f}" for n in range(max(1, points // 4)))
    words = (
        *("plan", "--anyway", f"--profile={profile}", f"--belt-speed={speeds}"),
        *("--workers=1:4:1", "--duration=20", "--draws=20"),
    )
    began = monotonic()
    _command(*words, f"--out={folder / 'here'}")
    here_s = monotonic() - began
    with Cluster(free_port()) as cluster:
        for _ in range(NODES):
            cluster.add_node()
        killer = Thread(target=_kill_nodes, args=(cluster,), daemon=True)
        began = monotonic()
        killer.start()
        address = f"placement.address={cluster.address}"
        _command(*words, "--placement=ray", "--set", address, f"--out={folder / 'there'}")
        there_s = monotonic() - began
        killer.join()
    here, there = (folder / name / "plan.csv" for name in ("here", "there"))
    same = here.read_bytes() == there.read_bytes()
    count = here.read_bytes().count(b"\n") - 1
    console.print(
        f"sweep: {count} points in {here_s:.0f} s here, {there_s:.0f} s on {NODES} nodes of which "
        f"two were killed: {'the same bytes' if same else 'OTHER BYTES'}"
    )
    return same


def _kill_nodes(cluster: Cluster) -> None:
    began = monotonic()
    for after_s in _KILLS_AFTER_S:
        sleep(max(0.0, began + after_s - monotonic()))
        send(cluster.raylets()[-1], signal.SIGKILL)


def _command(*words: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "run_line.py"), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise StageDied(f"{words[0]} ended with status {ended.returncode}: {ended.stderr.strip()}")


if __name__ == "__main__":
    run(app)
