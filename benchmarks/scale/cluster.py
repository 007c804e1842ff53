"""A Ray cluster of several nodes on this machine, to be broken: small, and in a folder of its own.

Every process of it has the folder in its environment, so it is found and ended whatever became of
the process that started it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import Self

_HOST = "127.0.0.1"
_STORE_BYTES = 80_000_000
_START_S = 120.0
_LOOK_S = 0.1
_ANY_PORTS = (*("--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0"),)
"""The usual ones are fixed, and another cluster may be here."""


class NoCluster(Exception):
    """Why there can be none."""


class Cluster:
    """Context manager: a head without processors for workers, and nodes that are added."""

    def __init__(self, port: int) -> None:
        if find_spec("ray") is None:
            raise NoCluster("ray is not installed; pip install -r requirements/ray.txt")
        self.address = f"{_HOST}:{port}"
        self._port = port
        self.folder = Path(tempfile.mkdtemp(prefix="rays-"))
        self._count = 0

    def __enter__(self) -> Self:
        self.start_head()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_all()
        rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """For whoever is to find the cluster as that of this machine."""
        return {
            **os.environ,
            "RAY_TMPDIR": str(self.folder),
            "RAY_ADDRESS": self.address,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "90",
        }

    def start_head(self) -> None:
        """Again, after `kill_head`, at the same address."""
        ports = (f"--port={self._port}", f"--ray-client-server-port={free_port()}")
        self._start("--head", *ports, "--include-dashboard=false", cpus=0)

    def add_node(self, cpus: int = 1, *options: str, **variables: str) -> int:
        """The pid of its raylet. `variables`: of the environment of all that runs there."""
        return self._start(f"--address={self.address}", *options, cpus=cpus, **variables)

    def _start(self, *options: str, cpus: int, **variables: str) -> int:
        before = set(self.raylets())
        self._count += 1
        sizes = (f"--num-cpus={cpus}", f"--object-store-memory={_STORE_BYTES}")
        log = self.folder / f"node-{self._count}.log"
        with log.open("wb") as out:
            started = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", *options, *sizes),
                    *(f"--node-ip-address={_HOST}", "--disable-usage-stats", *_ANY_PORTS),
                    *((f"--temp-dir={self.folder / 'r'}",) if "--head" in options else ()),
                ],
                env={k: v for k, v in self.environment.items() if k != "RAY_ADDRESS"} | variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            status = started.wait(_START_S)
        except subprocess.TimeoutExpired:
            status = -1
        new = set(self.raylets()) - before
        if status or not new:
            raise NoCluster(f"a node does not start: {log.read_text(errors='replace')[-1500:]}")
        return new.pop()

    def raylets(self) -> list[int]:
        """The head's first, then those of the nodes in the order of their starts."""
        return sorted(pid for pid, name in self._processes() if name == "raylet")

    def kill_head(self, number: int = signal.SIGKILL) -> list[int]:
        """Its server that knows all nodes, and all it has to tell; returns the pids."""
        heads = [pid for pid, name in self._processes() if name == "gcs_server"]
        for pid in heads:
            send(pid, number)
        return heads

    def tree(self, root: int) -> list[int]:
        """A process of it, and all that it has started and they have."""
        parents = {pid: _parent(pid) for pid, _ in self._processes()}
        found = [root]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def kill_all(self) -> None:
        """Until none is left: some start others."""
        until = time.monotonic() + 20
        while (living := [pid for pid, _ in self._processes()]) and time.monotonic() < until:
            for pid in living:
                send(pid, signal.SIGKILL)
            time.sleep(_LOOK_S)

    def _processes(self) -> Iterator[tuple[int, str]]:
        mark = f"RAY_TMPDIR={self.folder}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_of_it = mark in (folder / "environ").read_bytes().split(b"\0")
                if is_of_it and int(folder.name) != os.getpid():
                    yield int(folder.name), (folder / "comm").read_text().strip()


def send(pid: int, number: int) -> None:
    """A signal, to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        return int(free.getsockname()[1])
