"""Ctrl-C, SIGTERM and SIGHUP, recorded; whoever runs a loop acts on them.

And the kernel's signal that ends a process's helper with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Self

_PR_SET_PDEATHSIG = 1


def be_told_of_parents_end(number: signal.Signals) -> None:
    """Have the kernel send this process that signal when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the one that started it ends; leave Ctrl-C to that."""
    be_told_of_parents_end(signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _HeldHangup:
    """A handler that only notes whether there was a SIGHUP."""

    came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True


@contextmanager
def hangups_held() -> Iterator[None]:
    """SIGHUP waits until `Interrupts` takes it; one that comes after them does nothing."""
    before = signal.getsignal(signal.SIGHUP)
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _HeldHangup())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class Interrupts:
    """Counts interrupts while the context lasts; `fileno` becomes readable with the first one.

    A terminal that is closed sends SIGHUP, often twice: however many come, they are one interrupt,
    and none where it was ignored before (`nohup`).
    """

    def __init__(self) -> None:
        self.count = 0
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> Self:
        # A handler alone does not wake a select that is restarted after a signal.
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old = {s: signal.signal(s, self._record) for s in (signal.SIGINT, signal.SIGTERM)}
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            held = self._old[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._record)
            if isinstance(held, _HeldHangup) and held.came:
                self.raise_to(1)
        # Whoever started this process may have blocked them, as Ray's threads do SIGINT.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._old)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def raise_to(self, count: int) -> None:
        """As if there had been so many."""
        self.count = max(self.count, count)

    def _record(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.raise_to(1)
        else:
            self.count += 1
        with suppress(BlockingIOError):
            self._reader.recv(4096)
