"""Batches by slack: how many frames a worker is given at once, and when.

For workers that said how long their batches take. Such a worker has one batch in work, and shortly
before that should end it is given the next one: whatever waits by then, so that nothing is held
back for a larger batch. A batch is as large as these allow, and one frame at least:

- it should be done by the deadlines of its frames (`line.dispatch.batch_choice`), counted from the
  end of the work before it, with what the worker's last batches took beyond their time as a margin;
- it should take no more than half of what frames have left when they come: one that comes when a
  batch has begun waits for it, and then is in one itself;
- it is at most twice as large as the largest that this worker has finished, and is done well
  within its lease.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from line.dispatch.batch_choice import Choice, Pace, next_batch
from line.messages import BatchTimes, Key

_LEAD_S = 0.003
"""Before a batch should end the next one is sent: so long the way to the worker may take."""
_LEAD_SHARE = 0.25
"""Of the batch, at most: what comes after that waits for another whole batch."""
_MEAN_GAIN, _DEVIATION_GAIN, _DEVIATIONS = 0.125, 0.25, 4.0
"""Weights of the last batch, and the margin: as RFC 6298 foresees the time of a round trip."""
_FIRST_DEVIATION = 0.5
"""Nothing is known yet but what the worker said."""
_SLOWEST = 1000.0
_RECENT = 1 / 64
"""Weight of a frame that had more time left when it came than those before it."""


@dataclass(slots=True)
class _Batch:
    """In a worker's hands. `keys`: those that it is not done with."""

    keys: set[Key]
    size: int
    begins: float
    """monotonic time, as far as it is known"""


@dataclass(slots=True)
class _Worker:
    times: BatchTimes
    batches: list[_Batch] = field(default_factory=list)
    """at most two, the one in work first"""
    largest_done: int = 0
    mean: float = 1.0
    """what batches took ÷ what they should have taken by `times`"""
    deviation: float = _FIRST_DEVIATION

    @property
    def slowest(self) -> float:
        """Nearly every batch takes at most so many times what it should by `times`."""
        return max(1.0, self.mean + _DEVIATIONS * self.deviation)

    @property
    def pace(self) -> Pace:
        """What is to be expected of its next batches."""
        base_s, picture_s = self.times.base_s, self.times.picture_s
        most = max(1, min(self.times.largest, 2 * self.largest_done))
        alone_s = self.mean * self.times.seconds(1)
        return Pace(self.slowest * base_s, self.slowest * picture_s, alone_s, most)

    def free_at(self, factor: float) -> float:
        """When all that it holds is done, at a pace of `factor` times what `times` says."""
        last = self.batches[-1]
        return last.begins + factor * self.times.seconds(last.size)

    def is_open(self, now: float) -> bool:
        """Whether it may be given a batch: it has none, or is about to end its only one.

        One that should have ended by now ends nobody knows when: its answers will tell.
        """
        if not self.batches:
            return True
        return self.opens <= now < self.free_at(self.mean)

    @property
    def opens(self) -> float:
        """Monotonic time from which it may be given a batch beside the one in work."""
        if len(self.batches) != 1:
            return math.inf
        lead_s = min(_LEAD_S, _LEAD_SHARE * self.mean * self.times.seconds(self.batches[0].size))
        return self.free_at(self.mean) - lead_s

    def learn(self, took_s: float, size: int) -> None:
        """A batch of so many is done."""
        ratio = min(_SLOWEST, took_s / self.times.seconds(size))
        self.deviation += _DEVIATION_GAIN * (abs(ratio - self.mean) - self.deviation)
        self.mean += _MEAN_GAIN * (ratio - self.mean)
        self.largest_done = max(self.largest_done, size)


class Slack:
    """Of the workers with batches by slack. All times are monotonic, in seconds."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self.workers: dict[str, _Worker] = {}
        self._left_s = math.inf
        """what frames have left when they come, those that have little of it first"""

    def join(self, worker: str, times: BatchTimes) -> None:
        """It is to be given batches; perhaps it greets again, and has another model now."""
        known = self.workers.get(worker)
        if known is None or known.times != times:
            self.workers[worker] = _Worker(times, known.batches if known else [])

    def leave(self, worker: str) -> None:
        """Forget it, if it is known."""
        self.workers.pop(worker, None)

    def see(self, left_s: float) -> None:
        """A frame came with so much time left."""
        if 0 < left_s < self._left_s:
            self._left_s = left_s
        elif self._left_s < left_s:
            self._left_s += _RECENT * (left_s - self._left_s)

    def closed(self, now: float) -> frozenset[str]:
        """Workers that are to be given nothing yet."""
        return frozenset(name for name, each in self.workers.items() if not each.is_open(now))

    def next_opening(self, now: float) -> float:
        """When one that is closed may be given a batch; infinite if no time is known."""
        opening = (each.opens for each in self.workers.values())
        return min((moment for moment in opening if moment > now), default=math.inf)

    def choose(self, worker: str, deadlines: Sequence[float], now: float) -> Choice:
        """The worker's next batch, of frames with these deadlines, ascending, one at least."""
        known = self.workers[worker]
        begins = max(now, known.free_at(known.slowest)) if known.batches else now
        pace = known.pace
        longest_s = min(now + self._lease_s / 2 - begins, self._left_s / 2)
        pace = pace._replace(most=max(1, pace.fitting(longest_s)))
        return next_batch(deadlines, begins, pace)

    def give(self, worker: str, keys: Iterable[Key], now: float) -> None:
        """It is given these frames as a batch."""
        known, held = self.workers[worker], set(keys)
        begins = max(now, known.free_at(known.mean)) if known.batches else now
        known.batches.append(_Batch(held, len(held), begins))

    def give_back(self, worker: str, key: Key, now: float) -> None:
        """It is done with a frame, of a batch or from before it was given any."""
        known = self.workers[worker]
        batch = next((batch for batch in known.batches if key in batch.keys), None)
        if batch is None:
            return
        batch.keys.remove(key)
        if not batch.keys:
            known.batches.remove(batch)
            known.learn(now - batch.begins, batch.size)
            if known.batches:
                known.batches[0].begins = now
