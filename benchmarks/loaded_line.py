"""A paced line under a load that its workers can just do, with or without its console."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from benchmarks.line_run import listed
from line.config import ROOT
from line.errors import BadInput, StageDied
from line.remote_control import Control

_LOOK_S = 0.02
_START_S = 90.0


@dataclass(frozen=True)
class Load:
    """What is fed: pictures of a folder, so that drawing takes no processor, at a steady rate."""

    model: Path
    pictures: Path
    workers: int
    items_per_s: float

    @property
    def options(self) -> list[str]:
        return [
            f"--model={self.model}",
            f"--source={self.pictures}",
            "--order=random",
            "--set=camera.effects=off",
            f"--workers={self.workers}",
            f"--interval={1 / self.items_per_s:.6f}",
        ]


class LoadedLine:
    """A line under way in `run_dir`. Context manager: it does not outlive it."""

    def __init__(self, run_dir: Path, load: Load, duration_s: float, *, console: bool) -> None:
        self.run_dir = run_dir
        self.port = _free_port()
        self._command = [
            sys.executable,
            str(ROOT / "run_line.py"),
            "run",
            "--json",
            f"--run-dir={run_dir}",
            f"--duration={duration_s}",
            f"--console={'on' if console else 'off'}",
            f"--set=console.port={self.port}",
            *load.options,
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def address(self) -> str:
        """Of its console."""
        return f"http://127.0.0.1:{self.port}/"

    def wait_for_console(self) -> None:
        """Until the console answers.

        Raises:
            StageDied: if it does not within a minute and a half.
        """
        deadline = monotonic() + _START_S
        while not self._answers():
            if monotonic() > deadline or self._process.poll() is not None:
                raise StageDied("the console does not answer")
            sleep(_LOOK_S)

    def pid(self, name: str) -> int | None:
        """Of a process of the line, as it stands in processes.json."""
        return next((each["pid"] for each in listed(self.run_dir) if each["name"] == name), None)

    def drain(self) -> None:
        """Feed no more."""
        with Control.of(self.run_dir) as control:
            control.order("drain", "benchmark")

    def finish(self) -> dict[str, Any]:
        """Wait for the end; returns the summary.

        Raises:
            StageDied: if the runner does not end well.
        """
        text, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise StageDied(f"the line ended with status {self._process.returncode}: {errors}")
        summary: dict[str, Any] = json.loads(text)
        return summary

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True)
class Usage:
    """Of a process, at one moment."""

    resident_mb: float
    processor_s: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Raises BadInput if there is no such process."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            raise BadInput(f"process {pid} is gone") from None
        ticks = int(fields[11]) + int(fields[12])
        pages = int(fields[21])
        return cls(
            resident_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            processor_s=ticks / os.sysconf("SC_CLK_TCK"),
        )


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
