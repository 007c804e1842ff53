"""Freezes a process of a line when the line would miss it."""

from __future__ import annotations

import signal

from line.observe.control_client import Control
from tests.running_line import RunningLine, poll


def freeze(line: RunningLine, name: str) -> int | None:
    """Stops a process that is ready, and returns its pid.

    One that still starts may be silent for much longer than `hang_s` before it is replaced.
    """
    with Control.of(line.run_dir) as control:
        control.watch()

        def is_ready() -> bool:
            return any(
                process["name"] == name and process["state"] == "ready"
                for status in control.receive(timeout_s=1.0)
                for process in status["processes"]
            )

        poll(is_ready, f"{name} to be ready")
    return line.kill(name, signal.SIGSTOP)
