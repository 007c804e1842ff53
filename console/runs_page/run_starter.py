"""Starts and resumes runs from the console, one at a time; what is under way is drained first."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from console.link import LineLink
from line.config import ROOT, scenario_names
from line.errors import BadInput

_PATIENCE_S = 90.0
"""For the old run to drain, and for the new one to be there."""
_LOOK_S = 0.1


class Starter:
    """Runs `run_line.py run` as a process of its own, which outlives the console."""

    def __init__(self, results: Path, link: LineLink, *, only_resumes: bool = False) -> None:
        """`only_resumes`: for a console over one run, which would not show another."""
        self._results = results
        self._link = link
        self._busy = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.scenarios = [] if only_resumes else scenario_names()
        """what there is to start"""

    @property
    def under_way(self) -> Path | None:
        """The run that would have to be ended first; None if there is none."""
        return None if self._link.live.state in ("empty", "over") else self._link.run_dir

    def start(self, scenario: str, who: str, ends: Path | None = None) -> None:
        """Start a run, and before it drain the one named in `ends`; blocks until it runs.

        Raises:
            BadInput: if another run is under way than was named, somebody else is starting one, the
                old run does not end, or the runner refuses the scenario (with its own line).
        """
        if scenario not in self.scenarios:
            raise BadInput(f"scenario {scenario}: there is none of that name")
        with self._alone(ends):
            self._end_the_old(who)
            before = self._link.run_dir
            options = (f"--scenario={scenario}", f"--set=results.dir={self._results}")
            self._begin(options, lambda: self._link.run_dir != before)

    def resume(self, run_dir: Path) -> None:
        """Go on with a run that was cut off or stopped; blocks until its line answers.

        Raises:
            BadInput: as `start`; nothing is ended for it.
        """
        with self._alone(None):

            def is_there() -> bool:
                return self._link.run_dir == run_dir and self._link.live.state == "running"

            self._begin((f"--resume={run_dir}",), is_there)

    @contextmanager
    def _alone(self, ends: Path | None) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise BadInput("another run is being started")
        try:
            under_way = self.under_way
            if under_way is not None and under_way != ends:
                raise BadInput(f"{under_way.name} is under way: end it first")
            yield
        finally:
            self._busy.release()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until the runner that was started last is gone; it accounts for its run first."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)

    def _end_the_old(self, who: str) -> None:
        under_way = self.under_way
        if under_way is None:
            return
        self._link.order("drain", who, under_way)
        self._wait(lambda: self._link.live.state == "over", "the run that was under way goes on")
        self.wait(_PATIENCE_S)

    def _begin(self, options: tuple[str, ...], is_there: Callable[[], bool]) -> None:
        with tempfile.TemporaryFile() as errors:
            self._process = process = subprocess.Popen(
                [
                    sys.executable,
                    str(ROOT / "run_line.py"),
                    "run",
                    "--quiet",
                    "--console=off",
                    *options,
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            threading.Thread(target=process.wait, daemon=True).start()  # so that it is reaped
            self._wait(
                lambda: process.poll() is not None or is_there(),
                "the runner does not come up",
            )
            if process.poll():
                errors.seek(0)
                said = errors.read(2000).decode(errors="replace").strip().removeprefix("error: ")
                raise BadInput(said or f"the runner ended with status {process.returncode}")

    @staticmethod
    def _wait(done: Callable[[], bool], otherwise: str) -> None:
        deadline = monotonic() + _PATIENCE_S
        while not done():
            if monotonic() > deadline:
                raise BadInput(otherwise)
            sleep(_LOOK_S)
