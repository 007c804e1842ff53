"""How much memory a process has in use, and a process that ends before it takes more than it may.

And memory that a process and its helper share, which leaves nothing behind.

A model that somebody chose is a program: what it takes is known when it has it. The kernel refuses
what is far too much at once; a thread looks at what is really in use.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOOK_S = 0.02
_STATM = Path("/proc/self/statm")
_BESIDE = 2
"""Times what may be in use may be asked for: libraries ask for more than they use."""


def limit_requests(most_bytes: int) -> None:
    """Have the kernel refuse memory far beyond this; whoever asks for it is told at once."""
    with suppress(ValueError, OSError):  # a lower limit stands already, or there is no such limit
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_BESIDE * most_bytes, hard))


@contextmanager
def bounded(most_bytes: int, status: int) -> Iterator[None]:
    """End the process with this exit status as soon as more memory than that is in use."""
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(done, most_bytes, status), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(done: threading.Event, most_bytes: int, status: int) -> None:
    while not done.wait(_LOOK_S) and (used := resident_bytes()):
        if used > most_bytes:
            os._exit(status)


def resident_bytes() -> int:
    """Of this process, in RAM; 0 where the system does not say."""
    return _pages()[0] * os.sysconf("SC_PAGE_SIZE")


def private_bytes() -> int:
    """The same without what is shared with other processes or stands in files."""
    resident, shared = _pages()
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _pages() -> tuple[int, int]:
    try:
        _, resident, shared, *_ = map(int, _STATM.read_bytes().split())
    except (OSError, ValueError):
        return 0, 0
    return resident, shared


def unnamed_memory(name: str) -> int:
    """Descriptor of an empty file in memory, gone with the last process that has it open.

    What is never written in it takes no room. `name` is for whoever looks into /proc.
    """
    if sys.platform == "linux":
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
