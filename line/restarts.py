"""When a process that died is started again, and when it is given up."""

from __future__ import annotations

from collections import deque

from line.settings import SupervisorSettings

_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_MINUTE_S = 60.0
SERVED_S = 1.0
"""A process that dies sooner after its start is taken to fail at starting."""


class Restarts:
    """The record of one process.

    A process that has served for a second is started again at once. One that dies earlier waits
    0.2 s, then twice as long each time. It is given up after `failed_starts` of them in a row in
    which it never became ready: one that was ready may have died of a picture, and another picture
    may do it no harm. Beyond `restarts_per_min` in the last minute it is given up in any case.
    """

    def __init__(self, settings: SupervisorSettings) -> None:
        self._settings = settings
        self._recent: deque[float] = deque()
        self._early_deaths = 0
        self._failed_starts = 0

    def delay_s(self, now: float, served_s: float) -> float | None:
        """The process died, `served_s` after it became ready (0 = it never did).

        Returns:
            How long to wait before the next start, in seconds; None = give it up.
        """
        while self._recent and self._recent[0] < now - _MINUTE_S:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > self._settings.restarts_per_min:
            return None
        if served_s > 0:
            self._failed_starts = 0
        if served_s >= SERVED_S:
            self._early_deaths = 0
            return 0.0
        self._early_deaths += 1
        self._failed_starts += served_s == 0
        if self._failed_starts >= self._settings.failed_starts:
            return None
        delay_s: float = _FIRST_DELAY_S * 2 ** (self._early_deaths - 1)
        return min(_LONGEST_DELAY_S, delay_s)
