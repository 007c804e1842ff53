"""The machine that camera and workers share: who is at work, how fast items come."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from planner.sim.inference import Inference
from planner.sim.latency_samples import Passage
from planner.sim.measured import Measured
from planner.sim.slowness import Slowness
from planner.sim.stand_ins import Item

PACE_S = 0.25
"""The pace at which items are fed is taken over about so long."""


@dataclass(slots=True)
class SharedMachine:
    """What camera and workers share."""

    measured: Measured
    slowness: Slowness
    model: str
    """as rows name it"""
    busy: int = 0
    """workers in an inference, or between two"""
    busy_s: float = 0.0
    """time spent in inferences, all together"""
    crowding: float = 1.0
    """factor on the making of a picture now"""
    _crowd: int = 1
    _under_way: dict[Inference, None] = field(default_factory=dict)
    _coming_s: list[float] = field(default_factory=list)
    """heap of the moments at which those that were fed reach a photo-eye"""
    _seen_s: float = -math.inf
    _items_per_s: float = 0.0
    _last_s: float = 0.0
    _step: int = 0

    # -- items --------------------------------------------------------------------------------

    def feed(self, fed_s: float, due_s: float) -> None:
        """One more will reach a photo-eye at `due_s` (infinite: nobody knows when).

        A camera tells of it when it looks at its belt.
        """
        passed_s = fed_s - self._last_s
        if passed_s > 0:
            self._items_per_s = self._items_per_s * math.exp(-passed_s / PACE_S) + 1 / PACE_S
            self._last_s = fed_s
        else:
            self._items_per_s += math.exp(passed_s / PACE_S) / PACE_S
        self._step = step = self.measured.paces.step(self._items_per_s)
        self.crowding = self.measured.service.crowding[step]
        heappush(self._coming_s, due_s)

    def see_item(self, sample: float, now: float) -> Passage:
        """One that was fed has reached its photo-eye; what it will meet."""
        coming_s = self._coming_s
        heappop(coming_s)
        follower_s = coming_s[0] - now if coming_s else math.inf
        headway_s, self._seen_s = now - self._seen_s, now
        return self.measured.samples.draw(sample, self._step, headway_s, follower_s, self.busy)

    # -- workers ------------------------------------------------------------------------------

    def engage(self, now: float) -> None:
        """One more worker is at work."""
        self.busy += 1
        if self.measured.service.crowds[self.busy] != self._crowd:
            self._make_room(now)

    def release(self, now: float) -> None:
        """One less is."""
        self.busy -= 1
        if self.measured.service.crowds[self.busy] != self._crowd:
            self._make_room(now)

    def begin(
        self, batch: list[Item], service: int, slowness: float, now: float, told: Callable[[], None]
    ) -> Inference:
        """An inference of one of those at work; `told` when its end has changed.

        `service`: which of the `SHARES`, from the quickest to the slowest.
        """
        slowness *= self.slowness.at(now)
        lasts_s = slowness * self._times_s(len(batch), now)[service]
        inference = Inference(batch, service, slowness, now, lasts_s, now + lasts_s, told, now)
        if (processor := self.measured.processor) is not None:
            an_answer_s = processor.an_answer_s[self._step_at(now)]
            inference.processor_s = len(batch) * an_answer_s * self.slowness.speed_at(now)
        self._under_way[inference] = None
        return inference

    def end(self, inference: Inference, now: float) -> float:
        """It is over, whether it was finished or not; the processor time that it took, if known."""
        del self._under_way[inference]
        if now <= inference.began_s:
            return 0.0
        self.busy_s += now - inference.began_s
        return inference.processor_s

    def _make_room(self, now: float) -> None:
        """Inferences under way go faster, or slower."""
        self._crowd = self.measured.service.crowds[self.busy]
        for each in self._under_way:
            each.go_on(now, each.slowness * self._times_s(len(each.batch), now)[each.service])

    def _times_s(self, batch: int, now: float) -> list[float]:
        """From the quickest to the slowest."""
        return self.measured.service.table_s(self._crowd, batch, self._step_at(now))

    def _step_at(self, now: float) -> int:
        """Of the pace, which fades while nothing is fed."""
        if now - self._last_s > PACE_S / 8:
            faded = math.exp((self._last_s - now) / PACE_S)
            return self.measured.paces.step(faded * self._items_per_s)
        return self._step
