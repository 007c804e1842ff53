"""The console as a process of its own, over a folder of runs, and a look at it by HTTP."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.running_line import ROOT, poll


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and body of an answer."""

    status: int
    headers: dict[str, str]
    text: str


def ask(
    port: int,
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """One request. Raises OSError while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read().decode(errors="replace"))
    finally:
        connection.close()


def answers(port: int) -> bool:
    """Whether a console listens at the port."""
    try:
        return ask(port).status > 0
    except OSError:
        return False


@contextmanager
def console_over(results: Path, *arguments: object, port: int | None = None) -> Iterator[int]:
    """`run_line.py console RESULTS`; yields its port. Ends it with SIGTERM."""
    port = port or free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "run_line.py"),
            "console",
            str(results),
            f"--set=console.port={port}",
            *map(str, arguments),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )
    try:
        poll(lambda: process.poll() is not None or answers(port), "the console", 60)
        assert process.poll() is None
        yield port
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        process.wait()
