"""Starts runs from the console, one at a time; the run that is under way is drained first."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from console.link import LineLink
from line.config import ROOT, scenario_names
from line.errors import BadInput

_PATIENCE_S = 90.0
"""For the old run to drain, and for the new one to be there."""
_LOOK_S = 0.1


class Starter:
    """Runs `run_line.py run` in `results` as a process of its own, which outlives the console."""

    def __init__(self, results: Path, link: LineLink) -> None:
        self._results = results
        self._link = link
        self._busy = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def scenarios(self) -> list[str]:
        """What there is to start."""
        return scenario_names()

    def start(self, scenario: str, who: str) -> None:
        """End the run that is shown, in order, and start another; blocks until it runs.

        Raises:
            BadInput: if somebody else is starting one, the old run does not end, or the runner
                refuses the scenario (with the runner's own line).
        """
        if scenario not in self.scenarios:
            raise BadInput(f"scenario {scenario}: there is none of that name")
        if not self._busy.acquire(blocking=False):
            raise BadInput("another run is being started")
        try:
            self._end_the_old(who)
            self._begin(scenario)
        finally:
            self._busy.release()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until the runner that was started last is gone; it accounts for its run first."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)

    def _end_the_old(self, who: str) -> None:
        if self._link.live.state in ("empty", "over"):
            return
        self._link.order("drain", who)
        self._wait(lambda: self._link.live.state == "over", "the run that was under way goes on")
        self.wait(_PATIENCE_S)

    def _begin(self, scenario: str) -> None:
        before = self._link.run_dir
        with tempfile.TemporaryFile() as errors:
            self._process = process = subprocess.Popen(
                [
                    sys.executable,
                    str(ROOT / "run_line.py"),
                    "run",
                    "--quiet",
                    "--console=off",
                    f"--scenario={scenario}",
                    f"--set=results.dir={self._results}",
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            threading.Thread(target=process.wait, daemon=True).start()  # so that it is reaped
            self._wait(
                lambda: process.poll() is not None or self._link.run_dir != before,
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
