"""Malformed messages into the sockets of a line at work, which must count each and lose nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.fuzzing.mutations import Parts, mutate
from benchmarks.fuzzing.targets import Target, targets
from line.codec import decode
from line.config import ROOT
from line.errors import DecodeError, StageDied
from line.process.link import Link
from line.process.runtime_dir import ROLES, endpoint

_UNCOUNTED = 2000
"""Most messages under way; the line is to be fuzzed, not to be reaped."""
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Live:
    """How the line fared. `summary` is its own."""

    sent: int
    counted: int
    seconds: float
    summary: dict[str, Any]

    @property
    def is_good(self) -> bool:
        items = self.summary["items"]
        restarts = sum(self.summary["restarts"].values())
        return self.counted == self.sent and not (items["lost"] or items["duplicates"] or restarts)

    def sentence(self) -> str:
        items, restarts = self.summary["items"], sum(self.summary["restarts"].values())
        return (
            f"Running line: {self.sent} malformed messages in {self.seconds:.1f} s, "
            f"{self.counted} counted; {restarts} processes died; "
            f"{items['fed']} items fed, {items['lost']} lost, {items['duplicates']} twice."
        )


class _Stranger(Link):
    """A peer that sends whatever it likes."""

    def send_parts(self, parts: Parts) -> None:
        self._dealer.send_multipart(parts)


def fuzz(count: int, seed: int, *options: str) -> Live:
    """Send `count` messages to a line that feeds items meanwhile; `options` are the runner's.

    Raises:
        StageDied: if the line does not start, or ends before it is asked to.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        port = free_port()
        line = start(folder, port, options)
        stack.callback(stop, line)
        wait_until_healthy(line, port)
        (runtime_dir,) = folder.glob("scrapline-*")
        strangers = [
            stack.enter_context(_Stranger(endpoint(runtime_dir, role), f"stranger-{role}"))
            for role in ROLES
        ]
        began = monotonic()
        decoders = stack.enter_context(targets())
        for number, parts in enumerate(_malformed(decoders[0], count, seed)):
            strangers[number % len(strangers)].send_parts(parts)
            if number % 200 == 0:
                _wait_for_count(line, port, number - _UNCOUNTED)
        counted = _wait_for_count(line, port, count)
        seconds = monotonic() - began
        line.send_signal(signal.SIGINT)
        text, _ = line.communicate(timeout=PATIENCE_S)
        return Live(count, counted, seconds, json.loads(text))


def _malformed(messages: Target, count: int, seed: int) -> Iterator[Parts]:
    rng = Random(f"{seed} live")  # noqa: S311 - to be repeated, not to be secret
    while count:
        parts = mutate(rng.choice(messages.examples), messages.examples, rng)
        try:
            decode(parts)
        except DecodeError:
            if parts:
                count -= 1
                yield parts


def start(folder: Path, port: int, options: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "run_line.py"), "run", "--json"]
    belt = ["--source=procedural", "--interval=0.05", f"--set=metrics.port={port}"]
    return subprocess.Popen(
        [*command, *belt, f"--run-dir={folder / 'run'}", *options],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def stop(line: subprocess.Popen[str]) -> None:
    if line.poll() is None:
        line.kill()
    line.communicate()


def wait_until_healthy(line: subprocess.Popen[str], port: int) -> None:
    deadline = monotonic() + PATIENCE_S
    while b'"status": "ok"' not in _get(port, "healthz"):
        if line.poll() is not None or monotonic() > deadline:
            raise StageDied("the line did not start")
        sleep(0.1)


def _wait_for_count(line: subprocess.Popen[str], port: int, at_least: int) -> int:
    """What the line has counted, once it is `at_least` so many; or less, after a long time."""
    deadline = monotonic() + PATIENCE_S
    while True:
        found = re.search(rb"^scrapline_malformed_messages_total ([\d.e+]+)", _get(port), re.M)
        counted = int(float(found[1])) if found else 0
        if counted >= at_least or monotonic() > deadline:
            return counted
        if line.poll() is not None:
            raise StageDied("the line ended before it was asked to")
        sleep(0.05)


def _get(port: int, page: str = "metrics") -> bytes:
    try:
        with urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except (URLError, OSError):
        return b""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
