"""Who may write in a run folder: one runner with its processes, and nobody else.

Two locks on two files. The runner's own is free as soon as it is dead. The other one is inherited
by every child and is free only when the last of them is gone: orphans of a killed runner finish
what they hold, and a second CSV log beside theirs would write rows twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Self

from line.errors import BadInput

_ORPHANS_LEAVE_S = 10.0
_OPTION = b"--run-dir="


class RunLock:
    """Context manager over both locks. `inherited_fd` is to be passed on to every child."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._runner_fd = os.open(run_dir / ".runner.lock", os.O_RDWR | os.O_CREAT, 0o640)
        self.inherited_fd = os.open(run_dir / ".processes.lock", os.O_RDWR | os.O_CREAT, 0o640)

    def __enter__(self) -> Self:
        """End what an earlier runner has left behind, and take the folder.

        Raises:
            BadInput: if another runner is at work in it, or its processes do not end.
        """
        try:
            if not _try_lock(self._runner_fd):
                raise BadInput(f"{self._run_dir}: another runner is at work in this folder")
            self._end_orphans()
        except BadInput:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.inherited_fd)
        os.close(self._runner_fd)

    def _end_orphans(self) -> None:
        deadline = monotonic() + _ORPHANS_LEAVE_S
        while not _try_lock(self.inherited_fd):
            for pid in living(self._run_dir):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if monotonic() > deadline:
                raise BadInput(f"{self._run_dir}: processes of the earlier run are still at work")
            sleep(0.02)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def living(run_dir: Path) -> list[int]:
    """Living processes of a run: a number in processes.json may be somebody else's by now."""
    try:
        listed = json.loads((run_dir / "processes.json").read_bytes())["processes"]
        pids = [int(entry["pid"]) for entry in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [pid for pid in pids if _works_in(pid, run_dir)]


def _works_in(pid: int, run_dir: Path) -> bool:
    """Where there is no /proc, orphans are left to leave by themselves."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    folders = (arg.removeprefix(_OPTION) for arg in arguments if arg.startswith(_OPTION))
    return any(Path(os.fsdecode(folder)).resolve() == run_dir.resolve() for folder in folders)
