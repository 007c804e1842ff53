"""The workers as the ledger sees them: credits, leases, and who should take the next frame.

A worker that leaves with frames costs time: others must answer them. Honest machines fail now and
then, and most of what they are given they answer. One that joins only to leave does not. What a
departure costs does not depend on how many frames the worker was given: it did not choose that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from line.messages import Key

MOST_DEPARTURES = 3.0
"""How often the workers of one owner may leave with frames that others then answer."""
FORGIVEN_PER_ANSWER = 0.01
"""A hundred answers make up for one departure."""


class WorkerCosts:
    """By owner: the key, whatever identities it comes back under. As many entries as keys."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}

    def know(self, owner: str) -> None:
        """From now on what this owner costs is counted."""
        self._costs.setdefault(owner, 0.0)

    def answered(self, owner: str, charged: Iterable[Gone]) -> list[str]:
        """`owner` answered an item that others left behind; who has cost too much by that."""
        if owner in self._costs:
            self._costs[owner] = max(0.0, self._costs[owner] - FORGIVEN_PER_ANSWER)
        too_much = []
        for gone in charged:
            other = gone.owner
            if other != owner and other in self._costs and not gone.is_counted:
                gone.is_counted = True
                self._costs[other] += 1
                if self._costs[other] >= MOST_DEPARTURES:
                    del self._costs[other]
                    too_much.append(other)
        return too_much


def largest_batch(credit: int) -> int:
    """Frames that a worker with this credit puts into one inference."""
    return max(1, credit // 2)


@dataclass(slots=True)
class _Worker:
    owner: str
    credit: int
    leases: dict[Key, float] = field(default_factory=dict)
    """key → monotonic end of the lease"""
    answered: int = 0
    is_alone: bool = False
    """with a frame that cost a worker before"""


@dataclass(slots=True)
class Gone:
    """A worker that left with frames. `alone`: it was given a frame that cost a worker before."""

    owner: str
    keys: tuple[Key, ...]
    alone: bool
    is_counted: bool = False
    """Somebody else answered one of its frames, and its owner was charged for that."""


class WorkerLeases:
    """Workers by identity. A lease is the right to hold one frame for a limited time.

    The `owner` of a worker is whom its costs are charged to: the key of a worker on another
    machine, which may come back under any number of identities, else the identity itself.
    """

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._workers: dict[str, _Worker] = {}

    def join(self, worker: str, owner: str, credit: int) -> None:
        """A worker takes `credit` frames at a time from now on: 0 = no more, it wants to leave."""
        if worker in self._workers:
            self._workers[worker].credit = credit
        elif credit:
            self._workers[worker] = _Worker(owner, credit)

    def leave(self, worker: str) -> Gone | None:
        """Forget a worker."""
        gone = self._workers.pop(worker, None)
        return Gone(gone.owner, tuple(gone.leases), gone.is_alone) if gone else None

    def owner(self, worker: str) -> str:
        return self._workers[worker].owner

    def holds(self, worker: str, key: Key) -> bool:
        """Whether the worker has a lease on the frame."""
        known = self._workers.get(worker)
        return known is not None and key in known.leases

    def choose(
        self, reserved: str | None = None, closed: AbstractSet[str] = frozenset()
    ) -> str | None:
        """The worker with the fewest frames that has credit left; not `reserved`, not `closed`."""
        chosen: str | None = None
        fewest, answered = math.inf, 0
        for name, worker in self._workers.items():
            held = len(worker.leases)
            if held > fewest or held >= worker.credit or worker.is_alone or name == reserved:
                continue
            if name in closed:
                continue
            if chosen is None or (held, worker.answered, name) < (fewest, answered, chosen):
                chosen, fewest, answered = name, held, worker.answered
        return chosen

    def choose_for_suspect(self, charged: AbstractSet[str]) -> tuple[str | None, bool]:
        """The worker for a frame that cost workers of the owners `charged`, and whether it is idle.

        One of another owner, if there is any; one that is not idle is to be given nothing more
        until it is.
        """
        able = [(name, worker) for name, worker in self._workers.items() if worker.credit]
        able = [entry for entry in able if entry[1].owner not in charged] or able
        able = [entry for entry in able if not entry[1].is_alone]
        if not able:
            return None, False
        name, worker = min(able, key=lambda e: (len(e[1].leases), e[1].answered, e[0]))
        return name, not worker.leases

    def lease(self, name: str, key: Key, now: float, *, alone: bool) -> None:
        """Give a frame to a worker; with `alone` it is given no other meanwhile."""
        worker = self._workers[name]
        worker.leases[key] = now + self._lease_s
        worker.is_alone = alone

    def give_back(self, name: str, key: Key, now: float) -> None:
        """A worker that holds a frame is done with it, with an answer or without."""
        worker = self._workers[name]
        del worker.leases[key]
        worker.answered += 1
        worker.is_alone = False
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
