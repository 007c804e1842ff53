"""How much processor time this process has used, and what for. Waiting costs none.

What the main thread, ZeroMQ's threads and all others use is read from the kernel's clocks, once a
second; only what one thread does in turns, such as inference, is measured where it is done.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Part = Literal[
    "starting",  # until the process first says how it fares: imports, a model that is loaded
    "belt",
    "pictures",  # made or read, by threads and processes of the camera
    "messages",  # ZeroMQ's threads
    "decisions",
    "checking",  # a worker's frames: received, checked, decoded
    "inference",
    "receiving",  # the log's rows
    "writing",
    "following",
    "comparing",
    "pages",
    "placing",
    "supervising",
]
User = Literal[
    "camera", "dispatcher", "worker", "log", "follower", "console", "shadow", "placement"
]

_MAIN: dict[User, tuple[Part, Part]] = {
    "camera": ("belt", "pictures"),
    "dispatcher": ("decisions", "messages"),
    "worker": ("checking", "inference"),
    "log": ("receiving", "writing"),
    "follower": ("following", "following"),
    "console": ("pages", "pages"),
    "shadow": ("comparing", "comparing"),
    "placement": ("placing", "placing"),
}
"""Whose main thread does what, and what its other threads and processes do."""
_TELL_S = 1.0
_TASKS = Path("/proc/self/task")
_PROCESS_CLOCK = 2
_THREAD_CLOCK = 6
"""Kinds of clock in clock_gettime(2), as pthread_getcpuclockid(3) numbers them on Linux."""


class ProcessorTime:
    """Of this process, from its start."""

    def __init__(self, user: User) -> None:
        self._main, self._others = _MAIN[user]
        self._starting_s: float | None = None
        self._measured: defaultdict[Part, float] = defaultdict(float)
        self._io_threads: dict[int, float] = {}
        """thread of ZeroMQ → seconds when last asked"""
        self._known: set[int] = set()
        """threads whose names are known"""
        self._next = 0.0

    @contextmanager
    def measure(self, part: Part) -> Iterator[None]:
        """What the main thread uses meanwhile is for this part."""
        before = time.thread_time()
        try:
            yield
        finally:
            self._measured[part] += time.thread_time() - before

    def due(self) -> dict[Part, float] | None:
        """The seconds by part, once a second; None in between."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _TELL_S
        return self.seconds()

    def seconds(self) -> dict[Part, float]:
        """Of each part, with the threads and processes that have ended. Together: all of it."""
        total_s = time.process_time() + children_s()
        main_s = _clock_s(threading.main_thread().native_id or os.getpid(), _THREAD_CLOCK)
        if main_s is None:  # this system does not tell threads apart
            main_s = total_s
        if self._starting_s is None:
            self._starting_s = main_s
        parts: defaultdict[Part, float] = defaultdict(float, self._measured)
        parts["starting"] = self._starting_s
        parts[self._main] += max(0.0, main_s - self._starting_s - sum(self._measured.values()))
        io_s = self._io_s()
        parts["messages"] += io_s
        parts[self._others] += max(0.0, total_s - main_s - io_s)
        return {part: round(spent_s, 6) for part, spent_s in parts.items() if spent_s}

    def _io_s(self) -> float:
        with suppress(OSError):
            for task in _TASKS.iterdir():
                thread = int(task.name)
                if thread not in self._known:
                    self._known.add(thread)
                    if (task / "comm").read_bytes().startswith(b"ZMQ"):
                        self._io_threads[thread] = 0.0
        for thread, before_s in self._io_threads.items():
            self._io_threads[thread] = max(before_s, _clock_s(thread, _THREAD_CLOCK) or 0.0)
        return sum(self._io_threads.values())


def children_s() -> float:
    """Of all processes that this one has started, and those that they have; ended or not."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(process_s, descendants(os.getpid())))


def process_s(pid: int) -> float:
    """Of a process with all its threads; 0 if it is gone, or if the system does not say."""
    return _clock_s(pid, _PROCESS_CLOCK) or 0.0


def descendants(pid: int) -> list[int]:
    """The living children of a process, and theirs; none where the system does not say."""
    found: list[int] = []
    asked = [pid]
    for parent in asked:
        tasks = Path(f"/proc/{parent}/task")
        children: list[int] = []
        with suppress(OSError):
            for task in tasks.iterdir():
                with suppress(OSError):  # a thread that has just ended
                    children += map(int, (task / "children").read_bytes().split())
        found += children
        asked += children
    return found


def _clock_s(number: int, kind: int) -> float | None:
    try:
        return time.clock_gettime((~number << 3) | kind)
    except (OSError, OverflowError):
        return None
