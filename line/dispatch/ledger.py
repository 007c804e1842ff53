"""The decisions of the message plane, as a pure state machine: events in, actions out.

No sockets, no clocks, no threads: the dispatcher process feeds it what arrives and carries out what
it returns, and a simulation can do the same in virtual time. Each item goes one way only::

    waiting ──> leased ──> decided ──> in the CSV log ──> acknowledged
       └──────────┴── deadline passed, attempts spent ──┘

- *waiting*: in order of deadline, then of arrival.
- *leased*: one worker with credit holds it. A lease ends with that worker's answer, with news of
  its death, or when it times out; then the frame waits again. An answer counts only from the worker
  that holds the lease.
- A worker that gains by batches is given several frames at once, see `line.dispatch.slack`.
- A frame that cost a worker is *suspect*: it is given to an idle worker and stays alone there, so
  that a picture which kills workers does not drag others down with it. If no worker is idle one is
  given nothing more until it is; the others go on. A death is charged to the worker's owner, once
  to each owner. When as many owners are charged as there are attempts, or as many deaths alone, the
  item is `failed`.
- *decided*: the outcome is fixed. The log's acknowledgement alone releases the item; everything
  else that takes rows reads them from the log's file.

The state is bounded by what cameras keep in their windows. The ledger remembers nothing of an item
after its acknowledgement: whoever asks again is answered by the log, which ignores what it holds.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from line.dispatch.actions import Acknowledge, Action, Assign, Picture, ShutOut, Suspect, Write
from line.dispatch.in_flight import InFlight
from line.dispatch.log_queue import LogQueue
from line.dispatch.slack import Slack
from line.dispatch.worker_leases import WorkerCosts, WorkerLeases
from line.messages import BatchTimes, Buffer, Frame, Key, Refusal, Result, Unseen
from line.outcome import NO_WORKER, Outcome, Verdict
from line.settings import Settings
from line.verdicts import Judge, unanswered, unseen

_Queue = list[tuple[float, int, Key]]
"""A heap of (deadline, order of arrival, key)."""


_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """The ledger's fixed parameters."""

    lease_s: float
    attempts: int

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        return cls(lease_s=settings.worker.lease_s, attempts=settings.worker.attempts)


class Ledger:
    """See the module's text. Every method returns the actions it leads to, in order."""

    def __init__(self, rules: Rules, judge: Judge) -> None:
        self._rules = rules
        self.judge = judge  # may be replaced, for what is decided from then on
        self._items: dict[Key, InFlight] = {}
        self._waiting: _Queue = []
        self._suspects: _Queue = []
        self._arrivals = itertools.count()
        self._workers = WorkerLeases(rules.lease_s)
        self._slack = Slack(rules.lease_s)
        self._gaining = self._slack.workers
        """those with batches by slack; most lines have none, and look here for every frame"""
        self._opens = math.inf
        """when a worker may be given what waits"""
        self._costs = WorkerCosts()
        self._log = LogQueue()

    # -- what cameras say ---------------------------------------------------------------------

    def frame(self, frame: Frame, packed: Sequence[Buffer], now: float) -> list[Action]:
        """A frame arrived, perhaps not for the first time; `packed`: its message, see `Picture`."""
        key = frame.key
        if key in self._items:
            return []
        self._items[key] = InFlight(next(self._arrivals), Picture(frame, packed))
        self._wait(key)
        if self._gaining:
            self._slack.see(frame.deadline - now)
        return self._dispatch(now)

    def unseen(self, items: Iterable[Unseen]) -> list[Action]:
        """Items passed the photo-eye without becoming frames."""
        actions: list[Action] = []
        for item in items:
            if item.key not in self._items:
                self._items[item.key] = InFlight(next(self._arrivals), None)
                actions += self._decide(item.key, unseen(item))
        return actions

    # -- what workers say ---------------------------------------------------------------------

    def worker_joined(
        self,
        worker: str,
        credit: int,
        now: float,
        owner: str | None = None,
        batches: BatchTimes | None = None,
    ) -> list[Action]:
        """A worker is ready for `credit` frames at a time.

        `owner`: whom its costs are charged to, if it may come back under other identities.
        `batches`: what its batches take, if it is to be given some; two of them are its credit.
        """
        if owner is not None:
            self._costs.know(owner)
        if batches is None:
            self._slack.leave(worker)
        elif credit:
            self._slack.join(worker, batches)
            credit = 2 * batches.largest
        self._workers.join(worker, owner or worker, credit)
        return self._dispatch(now)

    def worker_left(self, worker: str, now: float) -> list[Action]:
        """A worker is gone; what it held waits for another."""
        return self._remove(worker) + self._dispatch(now)

    def held_since(self, worker: str, key: Key) -> float | None:
        """Monotonic time at which the worker was given a frame; None if it does not hold it."""
        return self._items[key].given if self._workers.holds(worker, key) else None

    def result(self, worker: str, result: Result, now: float) -> list[Action]:
        """A worker answered."""
        item = self._give_back(worker, result.key, now)
        if item is None or item.picture is None:
            return []
        outcome = self.judge.classified(
            item.picture.frame, result, worker, item.attempts, item.given, now
        )
        owner = self._workers.owner(worker)
        shut_out = [ShutOut(other) for other in self._costs.answered(owner, item.charged.values())]
        return [*self._decide(result.key, outcome), *shut_out, *self._dispatch(now)]

    def refusal(self, worker: str, refusal: Refusal, now: float) -> list[Action]:
        """A worker cannot answer, and no other could."""
        if self._give_back(worker, refusal.key, now) is None:
            return []
        actions = self._give_up(refusal.key, refusal.verdict, refusal.reason)
        return actions + self._dispatch(now)

    # -- what the log says --------------------------------------------------------------------

    def log_joined(self, credit: int) -> list[Action]:
        """The log is ready; it is sent again whatever it has not acknowledged."""
        return self._write(self._log.open(credit))

    def log_left(self) -> None:
        """The log is gone; its outcomes wait for its next incarnation."""
        self._log.close()

    def stored(self, keys: Iterable[Key]) -> list[Action]:
        """The log holds these items, these outcomes or ones that it held already."""
        actions: list[Action] = []
        for key in keys:
            item = self._items.get(key)
            if item is not None and item.outcome is not None:
                self._log.settle(key)
                del self._items[key]
                actions.append(Acknowledge(item.outcome, item.picture is not None))
        return actions + self._write(self._log.pull())

    # -- time ---------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Action]:
        """End what time has ended: frames past their deadline, leases past theirs."""
        actions: list[Action] = []
        hung = self._workers.hung(now)
        for name in hung:  # all of them go before any frame is given out again
            actions += [Suspect(name), *self._remove(name)]
        return [*actions, *self._dispatch(now)]

    def next_tick(self) -> float:
        """Monotonic time at which `tick` has something to do; infinite = never."""
        soonest = self._workers.next_end()
        if self._opens < soonest:
            soonest = self._opens
        for queue in (self._waiting, self._suspects):
            if queue and queue[0][0] < soonest:
                soonest = queue[0][0]
        return soonest

    # -- for observers ------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Frames that wait for a worker."""
        return len(self._waiting) + len(self._suspects)

    @property
    def held(self) -> int:
        """Items that are not acknowledged yet."""
        return len(self._items)

    def loads(self) -> dict[str, tuple[int, int]]:
        """Worker → (frames it holds, frames it has answered)."""
        return self._workers.loads()

    def picture(self, key: Key) -> Picture | None:
        """Of an item that is not acknowledged yet; None: there is none here."""
        item = self._items.get(key)
        return None if item is None else item.picture

    # -- inside -------------------------------------------------------------------------------

    def _wait(self, key: Key) -> None:
        item = self._items[key]
        assert item.picture is not None
        queue = self._suspects if item.is_suspect else self._waiting
        heapq.heappush(queue, (item.picture.frame.deadline, item.order, key))

    def _dispatch(self, now: float) -> list[Action]:
        """Expire the dead, then lease the living to workers with credit, the most urgent first.

        A suspect whose workers are all busy holds back neither the others nor other suspects; one
        worker at a time is given nothing more, until it is idle.
        """
        actions = self._expire(now)
        reserved: str | None = None
        held_back: _Queue = []
        closed = self._slack.closed(now) if self._gaining else _NOBODY
        while self._waiting or self._suspects:
            queue = self._waiting
            if self._suspects and (not queue or self._suspects[0] < queue[0]):
                queue = self._suspects
            key = queue[0][2]
            if queue is self._suspects:
                worker, is_idle = self._workers.choose_for_suspect(self._items[key].charged.keys())
                if not is_idle:
                    held_back.append(heapq.heappop(queue))
                    reserved = reserved or worker
                    continue
            else:
                worker = self._workers.choose(reserved, closed)
            if worker is None:
                break
            if worker in self._gaining:
                actions += self._lease_batch(worker, queue, now)
                closed = self._slack.closed(now)
            else:
                heapq.heappop(queue)
                actions.append(self._lease(worker, key, now))
        for entry in held_back:
            heapq.heappush(self._suspects, entry)
        self._opens = self._slack.next_opening(now) if closed and self._waiting else math.inf
        return actions

    def _expire(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for queue in (self._waiting, self._suspects):
            while queue and queue[0][0] <= now:
                key = heapq.heappop(queue)[2]
                actions += self._give_up(key, Verdict.EXPIRED, NO_WORKER)
        return actions

    def _lease(self, name: str, key: Key, now: float) -> Assign:
        item = self._items[key]
        assert item.picture is not None
        self._workers.lease(name, key, now, alone=item.is_suspect)
        item.give(now)
        return Assign(name, item.picture)

    def _lease_batch(self, worker: str, queue: _Queue, now: float) -> list[Action]:
        """Frames of one size that are in time together; a suspect alone."""
        if queue is self._suspects:
            keys = [heapq.heappop(queue)[2]]
        else:
            queue.sort()  # a heap still
            first, size = self._slack.choose(worker, [deadline for deadline, _, _ in queue], now)
            alike = groupby(queue[first : first + size], lambda entry: self._size_px(entry[2]))
            keys = [key for _, _, key in next(alike)[1]]
            del queue[first : first + len(keys)]
        self._slack.give(worker, keys, now)
        leases = [self._lease(worker, key, now) for key in keys]
        return [*leases[:-1], leases[-1]._replace(ends_batch=True)]

    def _size_px(self, key: Key) -> tuple[int, int]:
        picture = self._items[key].picture
        assert picture is not None
        return picture.frame.height_px, picture.frame.width_px

    def _give_back(self, worker: str, key: Key, now: float) -> InFlight | None:
        """The item that the worker is done with; None if it does not hold it."""
        if not self._workers.holds(worker, key):
            return None
        self._workers.give_back(worker, key, now)
        if worker in self._gaining:
            self._slack.give_back(worker, key, now)
        return self._items[key]

    def _remove(self, name: str) -> list[Action]:
        """Forget the worker; its frames wait again, or have cost enough."""
        actions: list[Action] = []
        gone = self._workers.leave(name)
        self._slack.leave(name)
        if gone is None:
            return []
        for key in gone.keys:
            cost = self._items[key].charge(gone)
            if cost >= self._rules.attempts:
                reason = f"{cost} workers died or hung on it"
                actions += self._give_up(key, Verdict.FAILED, reason)
            else:
                self._wait(key)
        return actions

    def _give_up(self, key: Key, verdict: Verdict, reason: str) -> list[Action]:
        item = self._items[key]
        assert item.picture is not None
        outcome = unanswered(item.picture.frame, verdict, reason, item.attempts, item.given)
        return self._decide(key, outcome)

    def _decide(self, key: Key, outcome: Outcome) -> list[Action]:
        self._items[key].outcome = outcome
        return self._write(self._log.push(key))

    def _write(self, keys: Iterable[Key]) -> list[Action]:
        actions: list[Action] = []
        for key in keys:
            outcome = self._items[key].outcome
            assert outcome is not None
            actions.append(Write(outcome))
        return actions
