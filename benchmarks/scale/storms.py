"""A line on a cluster whose nodes, head and links fail, one after another, by a seed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

from benchmarks.scale.cluster import Cluster, free_port, send
from benchmarks.scale.links import Links
from line.config import ROOT
from line.errors import StageDied
from line.outcome import COLUMNS

NODES = 4
_CPUS = 4
"""Of a node: there is room for all workers on half of the nodes."""
_FREEZE_S = 20.0
_CUT_S = 10.0
_AWAY_S = 15.0
"""The head, until it is started again."""
_LATELY_S = 3.0
_NOTICED_S = 12.0
"""By then a worker that is gone is known to be."""
_LOOK_S = 0.05
_PATIENCE_S = 240.0
_WORKER = COLUMNS.index("worker")


@dataclass(frozen=True, slots=True)
class Recovery:
    """After one fault."""

    kind: str
    gap_s: float
    """the longest time without an answer"""
    whole_s: float | None
    """until as many workers served as before, 0 if none was lost; None: not within the patience"""


@dataclass(frozen=True, slots=True)
class Storm:
    seed: int
    fed: int
    lost: int
    duplicates: int
    failed: int
    recoveries: tuple[Recovery, ...]


class _Seen:
    """What results.csv says, read as it grows."""

    def __init__(self, run_dir: Path) -> None:
        self._results = run_dir / "results.csv"
        self._at = 0
        self._answered: dict[bytes, float] = {}
        """worker on the cluster → monotonic time of its last answer"""
        self.last = monotonic()
        """when an answer last came, of whomever"""
        self.longest_s = 0.0

    def look(self) -> None:
        """Answers that have come, and the longest time without one since `begin`."""
        now = monotonic()
        self.longest_s = max(self.longest_s, now - self.last)
        whole = b""
        with suppress(FileNotFoundError), self._results.open("rb") as file:
            file.seek(self._at)
            whole, _, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + 1 if whole else 0
        for row in (line.split(b",") for line in whole.splitlines()):
            worker = row[_WORKER].partition(b"#")[0] if len(row) > _WORKER else b""
            if worker not in (b"", b"worker"):
                self.last = now
            if worker.startswith(b"ray-"):
                self._answered[worker] = now

    def begin(self) -> None:
        self.last, self.longest_s = monotonic(), 0.0

    def serving(self) -> int:
        """Workers on the cluster that have answered of late: each is given a frame in turn."""
        since = monotonic() - _LATELY_S
        return sum(last > since for last in self._answered.values())


def storm(seed: int, workers: int, folder: Path) -> Storm:
    """One fault of each kind, in an order and on victims that the seed decides."""
    rng = random.Random(seed)  # noqa: S311 - the same seed, the same storm
    port = free_port()
    run_dir = folder / f"storm-{seed}"
    with Cluster(free_port()) as cluster, Links(("127.0.0.2", port), ("127.0.0.1", port)) as links:
        for _ in range(NODES):
            cluster.add_node(_CPUS)
        faults: dict[str, Callable[[], None]] = {
            "node killed": lambda: _kill_node(cluster, rng),
            "node frozen": lambda: _freeze_node(cluster, rng),
            "head killed": lambda: _kill_head(cluster),
            "head frozen": lambda: _freeze_head(cluster),
            "links cut": lambda: links.cut(rng, _CUT_S),
        }
        order = rng.sample(sorted(faults), len(faults))
        with _started(run_dir, cluster, port, workers) as line:
            try:
                seen = _Seen(run_dir)
                _await(seen, lambda: seen.serving() >= workers, line)
                recoveries = tuple(_one(kind, faults[kind], seen, workers, line) for kind in order)
                line.send_signal(signal.SIGINT)
                said, errors = line.communicate(timeout=_PATIENCE_S)
            finally:
                line.kill()
    if not said:
        raise StageDied(f"the line ended with status {line.returncode}: {errors.strip()}")
    summary: dict[str, Any] = json.loads(said)
    items = summary["items"]
    failed = summary["verdicts"]["failed"]
    return Storm(seed, items["fed"], items["lost"], items["duplicates"], failed, recoveries)


def _started(run_dir: Path, cluster: Cluster, port: int, workers: int) -> subprocess.Popen[str]:
    settings = (
        *("placement.kind=ray", f"placement.address={cluster.address}"),
        *("placement.route=127.0.0.2", f"transport.listen=tcp://127.0.0.1:{port}"),
        "placement.own_machine=tcp",  # its nodes stand for other machines
    )
    options = ("--json", f"--run-dir={run_dir}", f"--workers={workers}", "--interval=0.1")
    return subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_line.py"), "run", *options, "--duration=86400"),
            *(text for each in settings for text in ("--set", each)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _one(
    kind: str,
    fault: Callable[[], None],
    seen: _Seen,
    workers: int,
    line: subprocess.Popen[str],
) -> Recovery:
    seen.begin()
    began = monotonic()
    lowest = workers
    whole_s: float | None = None
    thread = Thread(target=fault, daemon=True)
    thread.start()
    while monotonic() - began < _PATIENCE_S:
        seen.look()
        serving = seen.serving()
        lowest = min(lowest, serving)
        is_over = not thread.is_alive() and monotonic() - began > _NOTICED_S
        if is_over and serving >= workers:
            whole_s = monotonic() - began
            break
        if line.poll() is not None:
            raise StageDied(f"the line ended with status {line.returncode} after: {kind}")
        sleep(_LOOK_S)
    thread.join()
    return Recovery(kind, seen.longest_s, whole_s if lowest < workers else 0.0)


def _await(seen: _Seen, is_there: Callable[[], bool], line: subprocess.Popen[str]) -> None:
    until = monotonic() + _PATIENCE_S
    while not is_there():
        seen.look()
        if line.poll() is not None or monotonic() > until:
            raise StageDied("the line does not begin")
        sleep(_LOOK_S)


def _victim(cluster: Cluster, rng: random.Random) -> int:
    """The raylet of a node that has a worker of the line, as far as there is one."""
    nodes = cluster.raylets()[1:]
    return rng.choice([node for node in nodes if _has_worker(cluster.tree(node))] or nodes)


def _has_worker(pids: list[int]) -> bool:
    for pid in pids:
        with suppress(OSError):
            if b"-m\0workers\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return True
    return False


def _kill_node(cluster: Cluster, rng: random.Random) -> None:
    send(_victim(cluster, rng), signal.SIGKILL)
    cluster.add_node(_CPUS)


def _freeze_node(cluster: Cluster, rng: random.Random) -> None:
    """As a machine that stands still: the raylet and all that it has started."""
    pids = cluster.tree(_victim(cluster, rng))
    for pid in pids:
        send(pid, signal.SIGSTOP)
    sleep(_FREEZE_S)
    for pid in pids:
        send(pid, signal.SIGCONT)


def _kill_head(cluster: Cluster) -> None:
    """With all nodes, which end without it; all of them are started again."""
    cluster.kill_head()
    sleep(_AWAY_S)
    cluster.kill_all()
    cluster.start_head()
    for _ in range(NODES):
        cluster.add_node(_CPUS)


def _freeze_head(cluster: Cluster) -> None:
    heads = cluster.kill_head(signal.SIGSTOP)
    sleep(_FREEZE_S)
    for pid in heads:
        send(pid, signal.SIGCONT)
