"""An inference under way: it goes as fast as whoever else is at work lets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.sim.stand_ins import Item


@dataclass(slots=True, eq=False)
class Inference:
    """Of a batch, by one worker. Times are virtual seconds."""

    batch: list[Item]
    service: int
    """which of those of its kind, from the quickest to the slowest"""
    slowness: float
    """factor on all of it"""
    began_s: float
    """may lie ahead: the worker's turnaround comes first"""
    lasts_s: float
    """the whole of it, if all goes on as now"""
    ends_s: float
    """then"""
    told: Callable[[], None]
    """hears that `ends_s` has changed"""
    since_s: float
    """since when all has gone on as now"""
    done: float = 0.0
    """share of it until then"""

    def go_on(self, now: float, lasts_s: float) -> None:
        """From now on as one does that lasts so long in all."""
        self._do_until(now)
        self.lasts_s = lasts_s
        self._look_ahead()

    def rest(self, now: float, until_s: float) -> None:
        """Its worker is frozen for a while."""
        self._do_until(now)
        self.since_s = max(self.since_s, until_s)
        self._look_ahead()

    def _do_until(self, now: float) -> None:
        if now > self.since_s:
            self.done += (now - self.since_s) / self.lasts_s if self.lasts_s else 1.0
            self.since_s = now

    def _look_ahead(self) -> None:
        self.ends_s = self.since_s + (1.0 - self.done) * self.lasts_s
        self.told()
