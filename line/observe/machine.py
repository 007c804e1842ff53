"""Whether the machine was the limit: what of its cores the line used, and what others took.

Pure: readings in, figures and words out. Nothing is said of a machine that was not the limit.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_FULL = 0.95
"""Share of the cores from which they are full: a scheduler leaves gaps."""
_LATELY = 10
"""Readings that the live view speaks of."""
_LEAST_FULL_S = 2.0
_LEAST_FULL = 0.05
"""Of the time: less is chance."""
_LEAST_STEAL = 0.05
"""Of the cores, in the mean."""
_LATE_MS = 10.0
"""From here on the late triggers of a camera eat what a model has for an answer."""
_LEAST_TRIGGERS = 100
"""Fewer say nothing about one in a hundred."""
_STEPS = 200
"""Of a histogram of shares."""


@dataclass(frozen=True, slots=True)
class Cores:
    """What the line may use: cores of the machine, and how many of them at a time."""

    usable: int
    """that it may run on"""
    quota: float
    """processor seconds a second that it is granted; the same number without a limit"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Running totals at a monotonic time, in seconds of processor over all usable cores."""

    at: float
    busy_s: float
    """of all programs of the machine"""
    steal_s: float
    """taken by the host of a virtual machine"""
    line_s: float
    """of the line's own processes"""


@dataclass(frozen=True, slots=True)
class _Use:
    """Of the cores between two readings; seconds of processor."""

    wall_s: float
    line_s: float
    others_s: float
    steal_s: float
    is_full: bool


class Machine:
    """Takes a reading a second while the belt runs; its memory does not grow."""

    def __init__(self, cores: Cores) -> None:
        self.cores = cores
        self._last: Reading | None = None
        self._all = _Sum()
        self._lately: deque[_Use] = deque(maxlen=_LATELY)
        self._shares: dict[str, Counter[int]] = {}
        """who → share of the cores, in steps → readings"""

    def take(self, reading: Reading) -> None:
        """The first one is only what the next is compared with."""
        last, self._last = self._last, reading
        if last is None or reading.at <= last.at:
            return
        use = self._use(last, reading)
        self._all.add(use)
        self._lately.append(use)
        for who, spent_s in (
            ("line", use.line_s),
            ("others", use.others_s),
            ("steal", use.steal_s),
        ):
            share = min(1.0, spent_s / (use.wall_s * self.cores.usable))
            self._shares.setdefault(who, Counter())[round(share * _STEPS)] += 1

    def _use(self, last: Reading, now: Reading) -> _Use:
        wall_s = now.at - last.at
        line_s = max(0.0, now.line_s - last.line_s)
        busy_s = max(0.0, now.busy_s - last.busy_s)
        steal_s = max(0.0, now.steal_s - last.steal_s)
        is_full = busy_s + steal_s >= _FULL * self.cores.usable * wall_s
        is_spent = line_s >= _FULL * self.cores.quota * wall_s
        return _Use(wall_s, line_s, max(0.0, busy_s - line_s), steal_s, is_full or is_spent)

    def facts(self, triggers: Mapping[str, float] | None) -> dict[str, Any] | None:
        """As run.json has it; `triggers`: how late they were, see `limits`. None before a second.

        `cores`: that the line may use; `sampled_s`, `full_s`: seconds looked at, and those in which
        the cores were full; `line`, `others`, `steal`: share of the cores, `mean` and `p95` over
        seconds; `triggers_ms`: p95 and p99 of their lateness; `limits`: in words.
        """
        total = self._all
        if not total.wall_s:
            return None
        cores_s = total.wall_s * self.cores.usable
        means = {"line": total.line_s, "others": total.others_s, "steal": total.steal_s}
        return {
            "cores": min(float(self.cores.usable), self.cores.quota),
            "sampled_s": round(total.wall_s, 1),
            "full_s": round(total.full_s, 1),
            **{
                who: {
                    "mean": round(min(1.0, spent_s / cores_s), 4),
                    "p95": _quantile(self._shares[who], 0.95) / _STEPS,
                }
                for who, spent_s in means.items()
            },
            "triggers_ms": triggers and {key: triggers.get(key) for key in ("p95", "p99")},
            "limits": self.limits(triggers),
        }

    def limits(self, triggers: Mapping[str, float] | None) -> list[str]:
        """In words, over the whole run.

        `triggers`: `p95`, `p99` of how late they were, ms, and their `count`; None without any.
        """
        return [*self._words(self._all), *_late(triggers)]

    def limits_lately(self, triggers: Mapping[str, float] | None) -> list[str]:
        """In words, over the last seconds; of the triggers over the whole run."""
        total = _Sum()
        for use in self._lately:
            total.add(use)
        return [*self._words(total), *_late(triggers)]

    def _words(self, total: _Sum) -> Iterable[str]:
        cores = f"{min(float(self.cores.usable), self.cores.quota):.2g}"
        if total.full_s >= max(_LEAST_FULL_S, _LEAST_FULL * total.wall_s):
            in_full = total.full_s
            stolen = f", and the host took {total.full_steal_s / in_full:.1f}"
            yield (
                f"the cores were full for {in_full:.0f} of {total.wall_s:.0f} s: "
                f"the line used {total.full_line_s / in_full:.1f} and other programs "
                f"{total.full_others_s / in_full:.1f} of {cores}"
                + (stolen if total.full_steal_s >= 0.05 * in_full else "")
            )
        elif total.wall_s and total.steal_s >= _LEAST_STEAL * total.wall_s * self.cores.usable:
            yield (
                f"the host of this machine took {total.steal_s / total.wall_s:.1f} of "
                f"{cores} cores for others (steal)"
            )


def _late(triggers: Mapping[str, float] | None) -> Iterable[str]:
    if triggers is None or triggers["count"] < _LEAST_TRIGGERS or triggers["p99"] < _LATE_MS:
        return
    yield (
        f"a camera was late at its own triggers: one in 20 by {triggers['p95']:.1f} ms or more, "
        f"one in 100 by {triggers['p99']:.1f} ms"
    )


class _Sum:
    """Of uses; `full_…`: of those with full cores."""

    def __init__(self) -> None:
        self.wall_s = self.line_s = self.others_s = self.steal_s = 0.0
        self.full_s = self.full_line_s = self.full_others_s = self.full_steal_s = 0.0

    def add(self, use: _Use) -> None:
        self.wall_s += use.wall_s
        self.line_s += use.line_s
        self.others_s += use.others_s
        self.steal_s += use.steal_s
        if use.is_full:
            self.full_s += use.wall_s
            self.full_line_s += use.line_s
            self.full_others_s += use.others_s
            self.full_steal_s += use.steal_s


def _quantile(counts: Counter[int], share: float) -> int:
    """The least value that so many are not above."""
    wanted, seen = share * counts.total(), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return 0
