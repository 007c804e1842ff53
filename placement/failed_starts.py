"""Workers of one actor that fail, one after another, as where their engine is not installed.

As in `placement.on_node`, a node needs no part of the project for it.
"""

from __future__ import annotations

import signal

AGAIN_S = 1.0
"""Between the start of a worker and that of the next one; twice as long after each that failed."""
_LONGEST_AGAIN_S = 60.0
_LONG_S = 60.0
"""A worker that lived for so long did not fail at its start."""
_MOST = 3
"""Fewer may be of a change of models, of which a worker may know before its model has come."""
_CRASHES = {signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV}


class FailedStarts:
    """`reason`: why no worker can serve here; empty as long as that is not certain."""

    def __init__(self) -> None:
        self._count = 0
        self.reason = ""

    def forget(self) -> None:
        """The next worker has another model."""
        self._count, self.reason = 0, ""

    def note(self, status: int, said: str, lived_s: float) -> float:
        """A worker ended; after how many seconds the next one may be started.

        `status`: as `subprocess` has it. `said`: its last line. Whoever was killed did not fail.
        """
        has_failed = status > 0 or -status in _CRASHES
        if not has_failed or lived_s > _LONG_S:
            self.forget()
        if not has_failed:
            return 0.0
        self._count += 1
        if self._count >= _MOST:
            ended = f"status {status}" if status > 0 else signal.Signals(-status).name
            words = said.removeprefix("error: ") if status > 0 else ""
            self.reason = words or f"its worker ends with {ended}"
        return min(_LONGEST_AGAIN_S, AGAIN_S * 2.0**self._count)
