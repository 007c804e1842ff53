"""Starts a worker for another machine's line as a user would, and looks at it from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.running_line import ROOT, called, poll

PATIENCE_S = 300.0
"""On a machine that others keep busy a process takes many seconds to come up."""


def new_keys(folder: Path, *names: str) -> Path:
    """A folder of keys for these workers, made by the command."""
    made = called("keys", folder, *(f"--name={name}" for name in names))
    assert made.returncode == 0, made.stderr
    return folder


def remote_options(address: str, keys: Path) -> tuple[str, ...]:
    """The runner's options for a line that workers may join."""
    return "--set", f"transport.listen={address}", "--set", f"transport.keys={keys}"


class RemoteWorker:
    """`python -m workers --connect …`. Context manager: it does not survive it."""

    def __init__(self, log: Path, *arguments: object, prefix: Sequence[str] = ()) -> None:
        self._log = log
        self._command = [*prefix, sys.executable, "-m", "workers", *map(str, arguments)]

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        poll(lambda: self.said().count(text) >= times, f"the worker says {text!r}", PATIENCE_S)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def leave(self) -> int:
        """Ctrl-C; returns the exit status."""
        self.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE_S)

    def status(self) -> int:
        """Waits for an end of its own."""
        return self._process.wait(PATIENCE_S)
