"""A paced line under a load that its workers can just do, with or without its console."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
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
from line.observe.control_client import Control
from line.outcome import IN_TIME

_LOOK_S = 0.02
_START_S = 90.0
_ENDLESS_S = 86400
_SETTLING_ROWS = 50


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


@dataclass(frozen=True)
class Counted:
    """Items decided a second, the share of them in time, and the latency of the last 500."""

    per_s: float
    in_time: float
    p95_ms: float


class LoadedLine:
    """A line under way in `run_dir`. Context manager: it does not outlive it."""

    def __init__(self, run_dir: Path, load: Load, *, console: bool) -> None:
        self.run_dir = run_dir
        self.port = _free_port()
        self._command = [
            sys.executable,
            str(ROOT / "run_line.py"),
            "run",
            "--json",
            f"--run-dir={run_dir}",
            f"--duration={_ENDLESS_S}",
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
        """Of its console, with its token."""
        with Control.of(self.run_dir) as control:
            return control.console_address() or ""

    def wait_until_under_way(self) -> None:
        """Until some items have been decided.

        Raises:
            StageDied: if there are none within a minute and a half.
        """
        self._wait(lambda: self._rows() >= _SETTLING_ROWS, "no item is decided")

    def wait_for_console(self) -> None:
        """Until the console answers.

        Raises:
            StageDied: if it does not within a minute and a half.
        """
        self._wait(self._answers, "the console does not answer")

    def pid(self, name: str) -> int | None:
        """Of a process of the line, as it stands in processes.json."""
        return next((each["pid"] for each in listed(self.run_dir) if each["name"] == name), None)

    def count_for(self, lasts_s: float) -> Counted:
        """What becomes of the items within some seconds from now."""
        with Control.of(self.run_dir) as control:
            control.watch()
            before = after = _newest(control)
            began = monotonic()
            while (passed_s := monotonic() - began) < lasts_s:
                after = _newest(control)
        verdicts = Counter(after["verdicts"])
        verdicts.subtract(before["verdicts"])
        decided = verdicts.total()
        return Counted(
            per_s=decided / passed_s,
            in_time=sum(verdicts[verdict] for verdict in IN_TIME) / decided,
            p95_ms=after["latency_ms"]["p95"],
        )

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

    def _wait(self, condition: Callable[[], bool], complaint: str) -> None:
        deadline = monotonic() + _START_S
        while not condition():
            if monotonic() > deadline or self._process.poll() is not None:
                raise StageDied(complaint)
            sleep(_LOOK_S)

    def _rows(self) -> int:
        path = self.run_dir / "results.csv"
        return path.read_bytes().count(b"\n") if path.exists() else 0

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


def _newest(control: Control) -> dict[str, Any]:
    statuses = control.receive(_START_S)
    if not statuses:
        raise StageDied("the line does not say how it fares")
    return statuses[-1]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
