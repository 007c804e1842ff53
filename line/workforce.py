"""The workers as the ledger sees them: credits, leases, and who should take the next frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from line.messages import Key


def largest_batch(credit: int) -> int:
    """Frames that a worker with this credit puts into one inference."""
    return max(1, credit // 2)


@dataclass(slots=True)
class _Worker:
    credit: int
    leases: dict[Key, float] = field(default_factory=dict)
    """key → monotonic end of the lease"""
    answered: int = 0
    quarantined: bool = False
    """holds a frame that cost a worker before"""


class Workforce:
    """Workers by name. A lease is the right to hold one frame for a limited time."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._workers: dict[str, _Worker] = {}

    def join(self, name: str, credit: int) -> None:
        """A worker takes `credit` frames at a time from now on: 0 = no more, it wants to leave."""
        if name in self._workers:
            self._workers[name].credit = credit
        elif credit:
            self._workers[name] = _Worker(credit)

    def leave(self, name: str) -> list[Key]:
        """Forget a worker; returns the frames it held."""
        gone = self._workers.pop(name, None)
        return list(gone.leases) if gone else []

    def choose(self, key: Key, *, idle: bool) -> str | None:
        """The worker with the fewest frames that may take this one, and does not hold it.

        With `idle` only a worker that holds nothing will do.
        """
        chosen: str | None = None
        fewest, answered = math.inf, 0
        for name, worker in self._workers.items():
            held = len(worker.leases)
            if held > fewest or held >= worker.credit or worker.quarantined:
                continue
            if held and (idle or key in worker.leases):
                continue
            if chosen is None or (held, worker.answered, name) < (fewest, answered, chosen):
                chosen, fewest, answered = name, held, worker.answered
        return chosen

    def lease(self, name: str, key: Key, now: float, *, alone: bool) -> None:
        """Give a frame to a worker; with `alone` it is given no other meanwhile."""
        worker = self._workers[name]
        worker.leases[key] = now + self._lease_s
        worker.quarantined = alone

    def give_back(self, name: str, key: Key, now: float) -> None:
        """A worker is done with a frame, with an answer or without."""
        worker = self._workers.get(name)
        if worker is None or worker.leases.pop(key, None) is None:
            return
        worker.answered += 1
        worker.quarantined = False
        # It was busy until now and could not look at what else it holds.
        for other in worker.leases:
            worker.leases[other] = now + self._lease_s

    def hung(self, now: float) -> list[str]:
        """Workers that hold a frame beyond its lease."""
        return [
            name
            for name, worker in self._workers.items()
            if min(worker.leases.values(), default=math.inf) <= now
        ]

    def next_end(self) -> float:
        """Monotonic time at which the next lease ends; infinite if there is none."""
        ends = (end for worker in self._workers.values() for end in worker.leases.values())
        return min(ends, default=math.inf)

    def loads(self) -> dict[str, tuple[int, int]]:
        """Worker → (frames it holds, frames it has answered)."""
        return {name: (len(w.leases), w.answered) for name, w in self._workers.items()}
