"""The line's own machine, which an actor on one of its nodes knows for certain from all others.

There its worker connects by ipc and finds pictures in the cameras' memory, as local workers do. The
kernel says which machine it is, and a folder's and a file's numbers are one on each. As in
`placement.on_node`, a node needs no part of the project for it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_KIND_AND_OTHERS = 0o170077
_FOLDER_OF_USER_ALONE = 0o040000

FileId = tuple[int, int]
"""Device and number of a file, which no other on this machine has."""


class OwnMachine(NamedTuple):
    """What is found on the line's machine alone."""

    boot: str
    """the kernel's name for the time since the machine was started"""
    address: str
    """of the dispatcher, by ipc"""
    folder: str
    """the run's private one"""
    folder_id: FileId
    pid: int
    """of a process that has the memory of all cameras open"""
    memory: tuple[tuple[int, FileId], ...]
    """its descriptors of that, in the order of the cameras"""


def own_machine(address: str, folder: Path, memory: Sequence[int]) -> OwnMachine | None:
    """What actors are told of this machine; None without memory that is shared."""
    if not memory:
        return None
    try:
        ids = tuple((fd, _id(os.fstat(fd))) for fd in memory)
        folder_id = _id(folder.lstat())
        return OwnMachine(_boot(), address, str(folder), folder_id, os.getpid(), ids)
    except OSError:
        return None


def open_memory(own: OwnMachine) -> tuple[int, ...]:
    """Descriptors of the cameras' memory, to be read; none on another machine or as another user.

    They are the caller's to close.
    """
    found: list[int] = []
    try:
        if _boot() == own.boot and _is_ours(own):
            for number, wanted in own.memory:
                found.append(os.open(f"/proc/{own.pid}/fd/{number}", os.O_RDONLY | os.O_CLOEXEC))
                if _id(os.fstat(found[-1])) != wanted:
                    raise OSError
    except OSError:
        close(found)
        return ()
    return tuple(found)


def close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


def _is_ours(own: OwnMachine) -> bool:
    found = os.lstat(own.folder)
    is_private = found.st_mode & _KIND_AND_OTHERS == _FOLDER_OF_USER_ALONE
    return is_private and found.st_uid == os.geteuid() and _id(found) == own.folder_id


def _boot() -> str:
    return _BOOT.read_text().strip()


def _id(status: os.stat_result) -> FileId:
    return status.st_dev, status.st_ino
