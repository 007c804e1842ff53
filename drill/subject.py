"""The line under drill: the runner as a child process, and what can be seen of it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from line.config import ROOT
from line.run_files.process_list import ProcessList, end, living
from line.run_files.results import FILE as RESULTS

_RUNNER = "supervisor"


@dataclass(frozen=True, slots=True)
class Process:
    """A line of processes.json."""

    name: str
    role: str
    pid: int
    ready: bool


class Subject:
    """Owns the runner: starts it, and starts it again to resume. Context manager: ends it."""

    def __init__(
        self,
        run_dir: Path,
        options: Sequence[str],
        log: Path,
        *,
        jumping_clock: bool,
    ) -> None:
        self.run_dir = run_dir
        self._options = options
        self._log = log
        self._environment = dict(os.environ)
        if jumping_clock:
            paths = [str(ROOT / "drill" / "wall_clock"), os.environ.get("PYTHONPATH", "")]
            self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self._runner: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Subject:
        self._start([f"--run-dir={self.run_dir}", *self._options])
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            self.kill_runner()
            for entry in living(self.run_dir):
                end(entry, self.run_dir)

    @property
    def status(self) -> int | None:
        """The runner's exit status; None while it runs."""
        assert self._runner is not None
        return self._runner.poll()

    def resume(self) -> None:
        """Start a runner that goes on with the run."""
        transport = [each for each in self._options if each.startswith("--set=transport.")]
        self._start([f"--resume={self.run_dir}", *transport])

    def kill_runner(self) -> None:
        assert self._runner is not None
        self._runner.kill()
        self._runner.wait()

    def interrupt(self, number: int) -> None:
        """Send the runner a signal."""
        assert self._runner is not None
        self._runner.send_signal(number)

    @property
    def runner_pid(self) -> int:
        assert self._runner is not None
        return self._runner.pid

    def processes(self) -> list[Process]:
        """The line's processes but for the runner; none before this runner has listed them."""
        listed = self._listed()
        is_mine = any(p.role == _RUNNER and p.pid == self.runner_pid for p in listed)
        return _but_runner(listed) if is_mine else []

    def _listed(self) -> list[Process]:
        listed = ProcessList.found(self.run_dir).processes
        return [Process(each.name, each.role, each.pid, each.ready) for each in listed]

    def bytes_logged(self) -> int:
        """Size of results.csv."""
        try:
            return (self.run_dir / RESULTS).stat().st_size
        except FileNotFoundError:
            return 0

    def _start(self, options: Sequence[str]) -> None:
        command = [sys.executable, str(ROOT / "run_line.py"), "run", "--quiet", *options]
        with self._log.open("ab") as log:
            self._runner = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )


def _but_runner(processes: Sequence[Process]) -> list[Process]:
    return [process for process in processes if process.role != _RUNNER]


def kill(pid: int, number: int = 9) -> bool:
    """Send a signal; False if there is no such process (any more)."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
