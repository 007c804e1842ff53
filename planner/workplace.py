"""The machine that camera and workers share: how many are busy, how fast items come."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.answers import Answers
from planner.paces import Paces
from planner.service import ServiceTimes
from planner.ways import Passage, WayTable

PACE_S = 0.25
"""The pace at which items are fed is taken over about so long."""


@dataclass(slots=True)
class Workplace:
    """What camera and workers share."""

    paces: Paces
    ways: WayTable
    service: ServiceTimes
    answers: Answers
    model: str
    """as rows name it"""
    busy: int = 0
    """workers in an inference"""
    busy_s: float = 0.0
    """time spent in inferences, all together"""
    _items_per_s: float = 0.0
    _last_s: float = 0.0
    _step: int = 0

    def picture_crowding(self) -> float:
        """Factor on the making of a picture now."""
        return self.service.crowding(self._step)

    def feed(self, fed_s: float) -> None:
        """One more is on its way to a photo-eye; a camera tells of it when it looks at its belt."""
        if fed_s > self._last_s:
            self._items_per_s *= math.exp((self._last_s - fed_s) / PACE_S)
            self._last_s = fed_s
        self._items_per_s += math.exp((fed_s - self._last_s) / PACE_S) / PACE_S
        self._step = self.paces.step(self._items_per_s)

    def see_item(self, way: float) -> Passage:
        """One has reached a photo-eye; what it will meet."""
        return self.ways.draw(way, self._step)

    def times_s(self, batch: int, now: float) -> list[float]:
        """Durations of an inference that begins now, from the quickest to the slowest."""
        step = self._step
        if now - self._last_s > PACE_S / 8:
            faded = math.exp((self._last_s - now) / PACE_S)
            step = self.paces.step(faded * self._items_per_s)
        return self.service.table_s(self.busy, batch, step)
