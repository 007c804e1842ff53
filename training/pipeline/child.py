"""One step as a process: its output goes into a log, the last line of it is shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_S = 0.5
GRACE_S = 30.0
KILLED = 128
TAIL_BYTES = 4096


def run_child(arguments: Sequence[str], log: Path, lock: int, look: Callable[[str], None]) -> int:
    """Run this interpreter with `arguments`, and return the exit code; 128 + n for signal n.

    `look` is given the log's last line from time to time. The child holds the descriptor `lock`, so
    that a lock outlives a pipeline that is killed for as long as its child goes on. On Ctrl-C the
    child is asked to stop, and killed if it does not; then KeyboardInterrupt is raised.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # so that Ctrl-C reaches it once, through us
            pass_fds=(lock,),
        )
    try:
        code = _wait(child, log, look)
    except BaseException:
        _stop(child)
        raise
    return code if code >= 0 else KILLED - code


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _wait(child: subprocess.Popen[bytes], log: Path, look: Callable[[str], None]) -> int:
    while True:
        try:
            return child.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            look(last_line(log))


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask the child and all it started to stop; kill them if they take too long.

    By SIGTERM: what a shell starts in the background ignores SIGINT, and so do its children.
    """
    try:
        _signal(child, signal.SIGTERM)
        child.wait(GRACE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if child.poll() is None:
        os.killpg(child.pid, number)
