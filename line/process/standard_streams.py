"""What a program prints, on streams that may break without breaking the program.

A reader may go away (`| head -1`), a disk may be full, a terminal may vanish or stand still, and
whoever starts a program may have closed its streams. None of that is a reason to stop a line.
"""

from __future__ import annotations

import errno
import io
import os
import select
import signal
import sys
import threading
from contextlib import suppress

_PATIENCE_S = 0.05
"""A print waits so long for its bytes to be taken; whoever takes them later is not waited for."""
_ROOM_BYTES = 1 << 20
"""What may wait to be taken; beyond it a print waits, as in any program."""
_PIECE_BYTES = 1 << 16
_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO})
"""Errors of a stream that nobody will ever read again; a full disk may have room later."""


def secure_streams() -> None:
    """Make standard input, output and error safe to use; for the beginning of a program.

    Descriptors that were closed are opened on /dev/null: otherwise the next files that are opened
    would get their numbers, and all that is printed. `sys.stdout` and `sys.stderr` never raise.
    """
    _open_closed_descriptors()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # which stops who prints in the background
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = Output(1, _encoding(sys.stdout))
    sys.stderr = Output(2, _encoding(sys.stderr))


def drain_streams() -> OSError | None:
    """Wait until all that was printed is taken, or until Ctrl-C; for the end of a program.

    Returns why something on standard output is lost, other than that its reader went away.
    """
    outputs = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Output)]
    with suppress(KeyboardInterrupt):
        for output in outputs:
            output.drain()
    lost = [o.failure for o in outputs[:1] if o.failure is not None and not o.is_gone]
    return lost[0] if lost else None


class Output(io.TextIOBase):
    """A text stream to a descriptor, whose writes never raise and hardly wait.

    A thread does the writing, so that a terminal which is stopped, or a pipe that nobody reads,
    stops that thread alone. Characters that the encoding lacks are written as escapes.
    """

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._pending = bytearray()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_stuck = False
        self.failure: OSError | None = None
        """why something that was printed is lost: the first reason"""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def is_behind(self) -> bool:
        """Something that was printed has not been taken yet."""
        return bool(self._pending)

    @property
    def is_gone(self) -> bool:
        """Nobody will read what is printed."""
        return self.failure is not None and self.failure.errno in _GONE

    def write(self, text: str) -> int:
        """Raises TypeError for bytes, as any text stream."""
        if not isinstance(text, str):
            raise TypeError(f"a str is written, not {type(text).__name__}")
        if text and not self.is_gone:
            self._hand_over(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def drain(self) -> None:
        """Wait until everything is taken or lost."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending)

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def _hand_over(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._pending) < _ROOM_BYTES)
            self._pending += data
            if self._thread is None and not self._start_thread():
                while self._pending:
                    self._write_piece()
                return
            self._changed.notify_all()
            if not self._is_stuck:
                taken = self._changed.wait_for(lambda: not self._pending, _PATIENCE_S)
                self._is_stuck = not taken

    def _start_thread(self) -> bool:
        """False where the system allows no further thread."""
        thread = threading.Thread(target=self._write_on, name="output", daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread
        return self._thread is not None

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._pending))
            self._write_piece()

    def _write_piece(self) -> None:
        """Write something of what waits; lose all of it where nothing can be written."""
        with self._changed:
            piece = bytes(self._pending[:_PIECE_BYTES])
        failure: OSError | None = None
        written = 0
        try:
            written = os.write(self._descriptor, piece)
        except BlockingIOError:  # another program has made the terminal so
            select.select((), (self._descriptor,), ())
        except OSError as error:
            failure = error
        with self._changed:
            if failure is not None:
                self.failure = self.failure or failure
                self._pending.clear()
            del self._pending[:written]
            if not self._pending:
                self._is_stuck = False
                self._changed.notify_all()
            elif len(self._pending) < _ROOM_BYTES:
                self._changed.notify_all()


def _open_closed_descriptors() -> None:
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _encoding(stream: object) -> str:
    return getattr(stream, "encoding", None) or "utf-8"
