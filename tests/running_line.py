"""Starts the real runner as a user would, and looks at it from outside."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import pandas as pd

from run_line import main

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300.0
_LOOK_S = 0.02


def poll(condition: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Waits until `condition()` is true and returns its value; fails after the deadline."""
    deadline = monotonic() + timeout_s
    while monotonic() < deadline:
        value = condition()
        if value:
            return value
        sleep(_LOOK_S)
    raise AssertionError(f"not within {timeout_s:g} s: {what}")


def command(
    *arguments: object, cwd: Path = ROOT, timeout_s: float = TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """`run_line.py` with these arguments, run to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "run_line.py"), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def called(*arguments: object) -> subprocess.CompletedProcess[str]:
    """As `command`, in this process: what is asked of it is no matter of a process of its own.

    Those that it starts, as a line does, are real all the same. Not for a run that dies: what is
    left of its children is the kernel's when the runner's own process ends.
    """
    said, complaints = io.StringIO(), io.StringIO()
    mask = os.umask(0o077)
    os.umask(mask)
    try:
        with redirect_stdout(said), redirect_stderr(complaints):
            status = main([*map(str, arguments)])
    finally:
        os.umask(mask)  # a run sets it
    return subprocess.CompletedProcess(arguments, status, said.getvalue(), complaints.getvalue())


class RunningLine:
    """A line under way in `run_dir`. Context manager: nothing survives it."""

    def __init__(self, run_dir: Path, *arguments: object) -> None:
        self.run_dir = run_dir
        self._command = [
            sys.executable,
            str(ROOT / "run_line.py"),
            "run",
            "--json",
            f"--run-dir={run_dir}",
            *map(str, arguments),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        for entry in self.processes():
            if entry["role"] != "supervisor" and is_alive(entry["pid"]):
                os.kill(entry["pid"], signal.SIGKILL)

    def finish(self, timeout_s: float = TIMEOUT_S) -> tuple[int, dict[str, Any]]:
        """Waits for the end; returns exit status and summary."""
        text, errors = self._process.communicate(timeout=timeout_s)
        assert text, f"no summary; the runner said: {errors}"
        return self._process.returncode, json.loads(text)

    def communicate(self) -> tuple[str, str]:
        """Waits for the end; returns what the runner printed, and its complaints."""
        return self._process.communicate(timeout=TIMEOUT_S)

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def kill_runner(self) -> None:
        self._process.kill()
        self._process.wait()

    def processes(self) -> list[dict[str, Any]]:
        """What processes.json says; empty before it exists."""
        try:
            found = json.loads((self.run_dir / "processes.json").read_text())
        except FileNotFoundError:
            return []
        processes: list[dict[str, Any]] = found["processes"]
        return processes

    def pid(self, name: str) -> int | None:
        return next((e["pid"] for e in self.processes() if e["name"] == name), None)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int | None:
        """Sends a signal to a process of the line; returns its pid, or None if there is none."""
        pid = self.pid(name)
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return None
        return pid

    def rows_written(self) -> int:
        """Whole rows in results.csv at this moment."""
        try:
            return max(0, (self.run_dir / "results.csv").read_bytes().count(b"\n") - 1)
        except FileNotFoundError:
            return 0

    def wait_for_rows(self, count: int) -> None:
        poll(lambda: self.rows_written() >= count, f"{count} rows")

    def rows(self) -> pd.DataFrame:
        return pd.read_csv(self.run_dir / "results.csv", keep_default_na=False, na_values=[""])


class UndisturbedLine(RunningLine):
    """One that nobody does anything to: this process is its runner, its others are real."""

    def __enter__(self) -> Self:
        self._ended = called(*self._command[2:])
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def finish(self, timeout_s: float = TIMEOUT_S) -> tuple[int, dict[str, Any]]:
        assert self._ended.stdout, f"no summary; the runner said: {self._ended.stderr}"
        return self._ended.returncode, json.loads(self._ended.stdout)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def assert_accounted(summary: dict[str, Any], rows: pd.DataFrame) -> None:
    """Fed = rows, each item once."""
    items = summary["items"]
    assert items["lost"] == 0
    assert items["duplicates"] == 0
    assert items["fed"] == items["logged"] == len(rows) == rows["frame_id"].nunique()
    assert sum(summary["verdicts"].values()) == items["fed"]
