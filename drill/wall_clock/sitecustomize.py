"""Loaded by Python itself into every process of a drilled line: a wall clock that jumps.

Every three seconds it stands hours away from where it stood. The monotonic clock is left alone.
"""

import datetime
import importlib.abc
import sys
import time

_HOURS = (0, -5, 26, 3, -40)
_Datetime = datetime.datetime
_time = time.time


def _step_s() -> int:
    return 3600 * _HOURS[int(time.monotonic() / 3) % len(_HOURS)]


class _JumpingDatetime(datetime.datetime):
    __slots__ = ()  # compiled modules look at its size

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_JumpingDatetime":
        return super().now(tz) + datetime.timedelta(seconds=_step_s())


class _Restorer(importlib.abc.MetaPathFinder):
    """Pandas is compiled against the true class; it only comes when the run is over."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            datetime.datetime = _Datetime  # type: ignore[misc]


time.time = lambda: _time() + _step_s()
time.time_ns = lambda: int(1e9 * time.time())
datetime.datetime = _JumpingDatetime  # type: ignore[misc]
sys.meta_path.insert(0, _Restorer())
