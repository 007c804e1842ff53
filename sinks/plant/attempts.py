"""Calls to a server that may be away, or accept everything and answer nothing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic

from line.errors import StorageError

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_LAST_PAUSE_S = 0.5
"""When little time is left."""


class Attempts:
    """One call at a time, in a thread of its own: a server that is frozen holds up no heartbeat.

    After a call that failed there is a pause, 0.5 s at first and twice as long each time, up to
    10 s. `wait_s`: longest that whoever asks is held up.
    """

    def __init__(self, wait_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._wait_s = wait_s
        self._clock = clock
        self._call: _Call | None = None
        self._done: dict[str, object] = {}
        """kind → what was done last and not asked for since"""
        self._pause_s = _FIRST_PAUSE_S
        self._next_try = 0.0
        self._longest_pause_s = _LONGEST_PAUSE_S
        self._why = ""
        """the last call failed"""

    @property
    def is_idle(self) -> bool:
        """No call is under way."""
        return self._call is None

    def make(self, kind: str, what: object, call: Callable[[], None]) -> None:
        """Returns when `call` has returned, which does `what`, a thing of that kind.

        Raises StorageError if it has failed or has not returned yet, or another call has not. The
        same is to be asked for again then; a call that is under way is not begun anew.
        """
        while self._done.pop(kind, None) != what:
            if self._call is None:
                if self._clock() < self._next_try:
                    raise StorageError(self._why)
                self._call = _Call(kind, what, call)
                self._call.start()
            self._end(self._call)

    def hurry(self) -> None:
        """There is little time left: pauses are short from now on."""
        self._longest_pause_s = self._pause_s = _LAST_PAUSE_S
        self._next_try = min(self._next_try, self._clock() + _LAST_PAUSE_S)

    def _end(self, call: _Call) -> None:
        call.join(self._wait_s)
        if call.is_alive():
            raise StorageError(f"no answer for {monotonic() - call.began:.0f} s")
        self._call = None
        if call.error is None:
            self._pause_s = _FIRST_PAUSE_S
            self._done[call.kind] = call.what
            return
        self._next_try = self._clock() + self._pause_s
        self._pause_s = min(self._longest_pause_s, 2 * self._pause_s)
        if isinstance(call.error, StorageError):
            self._why = str(call.error)
        raise call.error


class _Call(Thread):
    """It ends with the process, however long the call takes."""

    def __init__(self, kind: str, what: object, call: Callable[[], None]) -> None:
        super().__init__(name=f"put {kind}", daemon=True)
        self.kind = kind
        self.what = what
        self.began = monotonic()
        self.error: Exception | None = None
        self._make = call

    def run(self) -> None:
        try:
            self._make()
        except Exception as error:  # it is raised where the call was asked for
            self.error = error
