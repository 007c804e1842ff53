"""Who may write in a run folder: one runner with its processes, and nobody else.

A runner holds a lock of its own, free as soon as it is dead. Two more are inherited by every child
and are free only when the last of them is gone: orphans of a killed runner finish what they hold,
and a second CSV log beside theirs would write rows twice. One of these two is on the folder itself,
which cannot be deleted unnoticed as files can.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Self

from line.errors import BadInput
from line.run_files.process_list import end, living, runner_lives
from pictures.regular_file import open_regular

_ORPHANS_LEAVE_S = 10.0
_LOOK_S = 1.0
_RUNNER, _PROCESSES = ".runner.lock", ".processes.lock"
# What a network's file system says that has no locks for folders.
_NO_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP)


class RunLock:
    """Context manager over all locks. `inherited_fds` are to be passed on to every child."""

    def __init__(self, run_dir: Path) -> None:
        """Raises BadInput, having changed nothing, if something else is in the place of a lock."""
        self._run_dir = run_dir
        self._next_look = 0.0
        fds: list[int] = []
        try:
            fds.append(os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            fds.append(_open(run_dir / _RUNNER))
            fds.append(_open(run_dir / _PROCESSES))
        except OSError as error:
            for fd in fds:
                os.close(fd)
            raise BadInput(f"{error.filename or run_dir}: {error.strerror}") from None
        self._folder_fd, self._runner_fd, self._processes_fd = fds

    @property
    def inherited_fds(self) -> tuple[int, int]:
        """Held by every process of the run for as long as it lives."""
        return self._folder_fd, self._processes_fd

    def __enter__(self) -> Self:
        """End what an earlier runner has left behind, and take the folder.

        Raises:
            BadInput: if another runner is at work in it, or its processes do not end.
        """
        try:
            if not (
                _try_lock(self._runner_fd) and _is_at(self._runner_fd, self._run_dir / _RUNNER)
            ):
                raise self._taken()
            self._end_orphans()
        except BadInput:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (self._folder_fd, self._runner_fd, self._processes_fd):
            os.close(fd)

    def keep(self) -> None:
        """Called now and then: a lock whose file was deleted or replaced gets a file again.

        Until then, and for processes that were started before, the lock on the folder holds.
        """
        if monotonic() < self._next_look:
            return
        self._next_look = monotonic() + _LOOK_S
        self._runner_fd = self._kept(self._runner_fd, _RUNNER)
        self._processes_fd = self._kept(self._processes_fd, _PROCESSES)

    def _kept(self, fd: int, name: str) -> int:
        path = self._run_dir / name
        if _is_at(fd, path):
            return fd
        with suppress(OSError):  # no room, or something else is there: the next look tries again
            new = _open(path)
            if _try_lock(new):
                os.close(fd)
                return new
            os.close(new)
        return fd

    def _end_orphans(self) -> None:
        deadline = monotonic() + _ORPHANS_LEAVE_S
        while not (_try_lock(self._folder_fd) and _try_lock(self._processes_fd)):
            if runner_lives(self._run_dir):  # it is its file that is gone
                raise self._taken()
            for entry in living(self._run_dir):
                end(entry, self._run_dir)
            if monotonic() > deadline:
                raise BadInput(f"{self._run_dir}: processes of the earlier run are still at work")
            sleep(0.02)

    def _taken(self) -> BadInput:
        return BadInput(f"{self._run_dir}: another runner is at work in this folder")


def _open(path: Path) -> int:
    return open_regular(path, os.O_RDWR | os.O_CREAT, only_ours=True, mode=0o640)


def _is_at(fd: int, path: Path) -> bool:
    """Whether the file that is open is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except OSError:
        return False


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
