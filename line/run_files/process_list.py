"""`processes.json`: which processes a run has, for whoever looks at it from outside.

A number in it may be another program's by now, and the whole file may be somebody else's words. So
nobody is taken for a process of the run but by all that the kernel says of it: whose it is, when it
was started, and what for.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput
from line.own_file import read_regular
from line.validation_errors import damaged

FILE = "processes.json"
_MOST = 1000
_LARGEST_BYTES = 2 * 10**6
_LARGEST_PID = 1 << 22
_START_FIELD = 19
"""Of /proc/PID/stat, counted from behind the program's name: ticks from boot to its start."""

_Name = Annotated[str, Field(min_length=1, max_length=80)]


class ProcessEntry(BaseModel):
    """One process. `since` is an ISO time, `ready` whether it serves yet."""

    model_config = ConfigDict(frozen=True)

    name: _Name
    role: _Name
    pid: int = Field(ge=1, le=_LARGEST_PID)
    incarnation: int = Field(ge=0, le=10**9)
    since: str = Field(max_length=80)
    ready: bool
    started: int = Field(default=0, ge=0, lt=1 << 63)
    """ticks from boot to its start; 0: the system does not say"""


class ProcessList(BaseModel):
    """All of processes.json."""

    model_config = ConfigDict(frozen=True)

    processes: tuple[ProcessEntry, ...] = Field(max_length=_MOST)
    control: str | None = Field(default=None, max_length=4096, pattern=r"^/[^\x00]*$")
    """path of the socket that orders are given at, while there is one"""

    @classmethod
    def read(cls, run_dir: Path) -> ProcessList:
        """Raises OSError if it cannot be read, and BadInput naming the field that is damaged."""
        path = run_dir / FILE
        try:
            return cls.model_validate_json(read_regular(path, _LARGEST_BYTES))
        except ValidationError as error:
            raise damaged(path, error) from None

    @classmethod
    def found(cls, run_dir: Path) -> ProcessList:
        """What there is to read; nothing where the file is missing or damaged."""
        try:
            return cls.read(run_dir)
        except (OSError, BadInput):
            return cls(processes=())


@dataclass(frozen=True, slots=True)
class _Kernel:
    """What /proc says of a process."""

    user: int
    started: int
    arguments: tuple[bytes, ...]


def start_of(pid: int) -> int:
    """Ticks from boot to the start of a process; 0 if there is none, or nothing says so."""
    found = _kernel_of(pid)
    return found.started if found else 0


def living(run_dir: Path) -> list[ProcessEntry]:
    """Processes of the run that are at work, its runner apart. None where there is no /proc."""
    return [entry for entry in ProcessList.found(run_dir).processes if is_at_work(entry, run_dir)]


def is_at_work(entry: ProcessEntry, run_dir: Path) -> bool:
    """Whether the entry names a living process that a runner started for the run."""
    found = _same(entry, run_dir)
    if found is None:
        return False
    wanted = (f"--role={entry.role}", f"--name={entry.name}", f"--incarnation={entry.incarnation}")
    if any(os.fsencode(text) not in found.arguments for text in wanted):
        return False
    option = b"--run-dir="
    folders = [arg.removeprefix(option) for arg in found.arguments if arg.startswith(option)]
    return any(Path(os.fsdecode(folder)).resolve() == run_dir.resolve() for folder in folders)


def runner_lives(run_dir: Path) -> bool:
    """Whether the runner that the run's file names is alive."""
    return any(
        entry.role == "supervisor" and _same(entry, run_dir) is not None
        for entry in ProcessList.found(run_dir).processes
    )


def end(entry: ProcessEntry, run_dir: Path) -> None:
    """SIGKILL, if it is at work for the run; its number cannot become another's in between."""
    if sys.platform != "linux" or os.geteuid() != _owner(run_dir):
        return
    with suppress(OSError):
        fd = os.pidfd_open(entry.pid)
        try:
            if is_at_work(entry, run_dir):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        finally:
            os.close(fd)


def _same(entry: ProcessEntry, run_dir: Path) -> _Kernel | None:
    """The process that the entry names, if that is still it, and of the user whose run it is."""
    found = _kernel_of(entry.pid)
    if found is None or entry.started != found.started or found.user != _owner(run_dir):
        return None
    return found


def _owner(run_dir: Path) -> int:
    try:
        return run_dir.stat().st_uid
    except OSError:
        return -1


def _kernel_of(pid: int) -> _Kernel | None:
    folder = Path(f"/proc/{pid}")
    try:
        user = folder.stat().st_uid
        fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        arguments = (folder / "cmdline").read_bytes().split(b"\0")
        return _Kernel(user, int(fields[_START_FIELD]), tuple(arguments))
    except (OSError, ValueError, IndexError):
        return None
