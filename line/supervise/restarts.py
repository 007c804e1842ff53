"""When a process that died is started again, and when it is given up."""

from __future__ import annotations

from collections import deque
from enum import Enum

from line.settings import SupervisorSettings

_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_MINUTE_S = 60.0
SERVED_S = 1.0
"""A process that dies sooner after its start is taken to fail at starting."""
LONG_LIFE_S = 60.0
"""Of a process that served for so long, nobody can say that it cannot do its work."""


class Death(Enum):
    """What ended a process, as far as it tells whether the next one will fare better."""

    KILLED = "killed"
    """from outside: it says nothing about the process"""
    CRASHED = "crashed"
    """by the kernel, or it hung: one picture may do that, and another does no harm"""
    FAILED = "failed"
    """by itself, with an exit status: an error of the program, which the next one will meet too"""


class Restarts:
    """The record of one process.

    A process that has served for a second is started again at once. One that dies earlier waits
    0.2 s, then twice as long each time. It is given up

    - after `failed_starts` deaths in a row before it was ready;
    - after as many lives in a row that it ended itself before it had served for a minute: by an
      error, or by a crash in a life in which it did no work. What others killed in between counts
      for nothing here;
    - beyond `restarts_per_min` deaths in the last minute, whatever of.
    """

    def __init__(self, settings: SupervisorSettings) -> None:
        self._settings = settings
        self._recent: deque[float] = deque()
        self._early_deaths = 0
        self._failed_starts = 0
        self._short_lives = 0
        self.why = ""
        """why it was given up, in words"""

    def delay_s(
        self, now: float, served_s: float, death: Death = Death.KILLED, *, worked: bool = True
    ) -> float | None:
        """The process died, `served_s` after it became ready (0 = it never did).

        `worked`: it did some of its work in this life.

        Returns:
            How long to wait before the next start, in seconds; None = give it up.
        """
        self._count(now, served_s, death, worked)
        self.why = self._fault()
        if self.why:
            return None
        if served_s >= SERVED_S:
            self._early_deaths = 0
            return 0.0
        self._early_deaths += 1
        delay_s: float = _FIRST_DELAY_S * 2 ** (self._early_deaths - 1)
        return min(_LONGEST_DELAY_S, delay_s)

    def _count(self, now: float, served_s: float, death: Death, worked: bool) -> None:
        while self._recent and self._recent[0] < now - _MINUTE_S:
            self._recent.popleft()
        self._recent.append(now)
        self._failed_starts = 0 if served_s > 0 else self._failed_starts + 1
        if served_s >= LONG_LIFE_S or (death is Death.CRASHED and worked and served_s > 0):
            self._short_lives = 0
        elif death is not Death.KILLED:
            self._short_lives += 1

    def _fault(self) -> str:
        most = self._settings.failed_starts
        if len(self._recent) > self._settings.restarts_per_min:
            return f"died more than {self._settings.restarts_per_min} times within a minute"
        if self._failed_starts >= most:
            return f"died {self._failed_starts} times in a row before it was ready"
        if self._short_lives >= most:
            return f"ended {self._short_lives} times in a row within {LONG_LIFE_S:.0f} s of service"
        return ""
