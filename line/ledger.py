"""The decisions of the message plane, as a pure state machine: events in, actions out.

No sockets, no clocks, no threads: the dispatcher process feeds it what arrives and carries out what
it returns, and a simulation can do the same in virtual time. Each item goes one way only::

    waiting ──> leased ──> decided ──> in csv_log ──> in alerts and active_learning ──> acknowledged
       └──────────┴── deadline passed, attempts spent ──┘

- *waiting*: in order of deadline, then of arrival.
- *leased*: a worker with credit holds it. A lease ends with an answer, with news of the worker's
  death, or when it times out; then the frame waits again and counts one attempt more. A frame that
  already cost a worker is only given to an idle one and stays alone there, so that a picture which
  kills workers does not drag others down with it.
- *decided*: the outcome is fixed, and goes to the CSV log first. If the log answers that it holds
  another row for that item (written before a restart), that row is the truth from there on.

The state is bounded by what cameras keep in their windows. The ledger remembers nothing of an item
after its acknowledgement: whoever asks again is answered by the sinks, which ignore what they hold.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from line.actions import (
    Acknowledge,
    Action,
    Announce,
    Assign,
    Deliver,
    NoticeDone,
    Picture,
    Suspect,
)
from line.deliveries import Deliveries
from line.in_flight import InFlight
from line.messages import Buffer, Frame, Key, Notice, Refusal, Result, Unseen
from line.outcome import CLASSIFIED, Outcome, Verdict
from line.verdicts import Judge, unanswered, unseen
from line.workforce import Workforce


@dataclass(frozen=True, slots=True)
class Rules:
    """The ledger's fixed parameters."""

    lease_s: float
    attempts: int
    log: str
    """the sink whose stored row is the truth"""
    followers: tuple[str, ...]
    """sinks that hear of an outcome once it is logged"""
    review: str
    """the follower that only hears of items a model answered for"""
    notices: str
    """the sink that writes notices"""


class Ledger:
    """See the module's text. Every method returns the actions it leads to, in order."""

    def __init__(self, rules: Rules, judge: Judge) -> None:
        self._rules = rules
        self.judge = judge  # may be replaced, for what is decided from then on
        self._items: dict[Key, InFlight] = {}
        self._waiting: list[tuple[float, int, Key]] = []
        self._arrivals = itertools.count()
        self._workers = Workforce(rules.lease_s)
        self._deliveries = Deliveries((rules.log, *rules.followers))
        self._notices: dict[str, Notice] = {}

    # -- what cameras say ---------------------------------------------------------------------

    def frame(self, frame: Frame, data: Buffer | None, now: float) -> list[Action]:
        """A frame arrived, perhaps not for the first time."""
        key = frame.key
        if key in self._items:
            return []
        self._items[key] = InFlight(next(self._arrivals), Picture(frame, data))
        self._wait(key)
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

    def worker_joined(self, worker: str, credit: int, now: float) -> list[Action]:
        """A worker is ready for `credit` frames at a time."""
        self._workers.join(worker, credit)
        return self._dispatch(now)

    def worker_left(self, worker: str, now: float) -> list[Action]:
        """A worker is gone; what it held waits for another."""
        return self._remove(worker) + self._dispatch(now)

    def result(self, worker: str, result: Result, now: float) -> list[Action]:
        """A worker answered. The first answer to an item counts, whoever gives it."""
        key = result.key
        self._workers.give_back(worker, key, now)
        item = self._items.get(key)
        actions: list[Action] = []
        if item is not None and item.outcome is None and item.picture is not None:
            self._revoke(item, key)
            outcome = self.judge.classified(
                item.picture.frame, result, worker, item.attempts, item.given.get(worker), now
            )
            actions = self._decide(key, outcome)
        return actions + self._dispatch(now)

    def refusal(self, worker: str, refusal: Refusal, now: float) -> list[Action]:
        """A worker cannot answer, and no other could."""
        self._workers.give_back(worker, refusal.key, now)
        item = self._items.get(refusal.key)
        actions: list[Action] = []
        if item is not None and item.outcome is None and item.picture is not None:
            self._revoke(item, refusal.key)
            actions = self._give_up(refusal.key, refusal.verdict, refusal.reason)
        return actions + self._dispatch(now)

    # -- what sinks say -----------------------------------------------------------------------

    def sink_joined(self, sink: str, credit: int) -> list[Action]:
        """A sink is ready; it is sent again whatever it has not acknowledged."""
        actions = self._deliver(sink, self._deliveries.open(sink, credit))
        if sink == self._rules.notices:
            actions += [Announce(sink, notice) for notice in self._notices.values()]
        return actions

    def sink_left(self, sink: str) -> list[Action]:
        """A sink is gone; its outcomes wait for its next incarnation."""
        self._deliveries.close(sink)
        return []

    def stored(self, sink: str, keys: Iterable[Key], truth: Iterable[Outcome]) -> list[Action]:
        """A sink holds these items. `truth`: rows that the CSV log held already."""
        for outcome in truth:
            item = self._items.get((outcome.camera, outcome.seq))
            if item is not None and sink == self._rules.log and sink in item.awaiting:
                item.outcome = outcome
        actions: list[Action] = []
        for key in keys:
            item = self._items.get(key)
            if item is None or sink not in item.awaiting:
                continue
            item.awaiting.remove(sink)
            self._deliveries.settle(sink, key)
            if sink == self._rules.log:
                actions += self._forward(key, item)
            if not item.awaiting:
                del self._items[key]
                actions.append(Acknowledge(*key))
        return actions + self._deliver(sink, self._deliveries.pull(sink))

    def want(self, sink: str, key: Key) -> list[Action]:
        """A sink asks for an item's picture before it stores the outcome."""
        item = self._items.get(key)
        if item is None or item.outcome is None or sink not in item.awaiting:
            return []
        return [Deliver(sink, item.outcome, item.picture)]

    # -- what happens to the line itself ------------------------------------------------------

    def notice(self, notice: Notice) -> list[Action]:
        """Something worth an alert happened; kept until the alerts sink has written it."""
        self._notices[notice.id] = notice
        if self._deliveries.is_open(self._rules.notices):
            return [Announce(self._rules.notices, notice)]
        return []

    def notice_stored(self, notice_id: str) -> list[Action]:
        """The alerts sink holds the notice."""
        return [NoticeDone(notice_id)] if self._notices.pop(notice_id, None) else []

    # -- time ---------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Action]:
        """End what time has ended: frames past their deadline, leases past theirs."""
        actions: list[Action] = []
        hung = self._workers.hung(now)
        for name in hung:  # all of them go before any frame is given out again
            actions += [Suspect(name), *self._remove(name)]
        return [*actions, *self._dispatch(now)]

    def next_tick(self) -> float | None:
        """Monotonic time at which `tick` has something to do; None = never."""
        deadline = self._waiting[0][0] if self._waiting else math.inf
        soonest = min(deadline, self._workers.next_end())
        return soonest if math.isfinite(soonest) else None

    # -- for onlookers ------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Frames that wait for a worker."""
        return len(self._waiting)

    @property
    def held(self) -> int:
        """Items that are not acknowledged yet."""
        return len(self._items)

    def loads(self) -> dict[str, tuple[int, int]]:
        """Worker → (frames it holds, frames it has answered)."""
        return self._workers.loads()

    # -- inside -------------------------------------------------------------------------------

    def _wait(self, key: Key) -> None:
        item = self._items[key]
        assert item.picture is not None
        heapq.heappush(self._waiting, (item.picture.frame.deadline, item.order, key))

    def _dispatch(self, now: float) -> list[Action]:
        """Expire the dead, then lease the living to workers with credit."""
        actions: list[Action] = []
        while self._waiting and self._waiting[0][0] <= now:
            key = heapq.heappop(self._waiting)[2]
            actions += self._give_up(key, Verdict.EXPIRED, "no worker was free before the deadline")
        while self._waiting:
            key = self._waiting[0][2]
            worker = self._workers.choose(key, idle=self._items[key].attempts > 0)
            if worker is None:
                break
            heapq.heappop(self._waiting)
            actions.append(self._lease(worker, key, now))
        return actions

    def _lease(self, name: str, key: Key, now: float) -> Assign:
        item = self._items[key]
        assert item.picture is not None
        self._workers.lease(name, key, now, alone=item.attempts > 0)
        item.give(name, now)
        return Assign(name, item.picture)

    def _remove(self, name: str) -> list[Action]:
        """Forget the worker; its frames wait again, or have cost enough."""
        actions: list[Action] = []
        for key in self._workers.leave(name):
            item = self._items.get(key)
            if item is None or item.worker != name:
                continue  # another worker has it, or had an answer for it
            item.worker = None
            if item.attempts >= self._rules.attempts:
                reason = f"{item.attempts} workers died or hung on it"
                actions += self._give_up(key, Verdict.FAILED, reason)
            else:
                self._wait(key)
        return actions

    def _revoke(self, item: InFlight, key: Key) -> None:
        """Take the frame from the waiting, or from another worker that still holds it."""
        if item.worker is None:
            self._waiting = [entry for entry in self._waiting if entry[2] != key]
            heapq.heapify(self._waiting)
        item.worker = None

    def _give_up(self, key: Key, verdict: Verdict, reason: str) -> list[Action]:
        item = self._items[key]
        assert item.picture is not None
        outcome = unanswered(item.picture.frame, verdict, reason, item.attempts, item.last_given)
        return self._decide(key, outcome)

    def _decide(self, key: Key, outcome: Outcome) -> list[Action]:
        item = self._items[key]
        item.outcome = outcome
        return self._send(self._rules.log, key, item)

    def _forward(self, key: Key, item: InFlight) -> list[Action]:
        """The row stands in the log: tell the other sinks."""
        assert item.outcome is not None
        actions: list[Action] = []
        # After a camera's restart the log may know an answer to an item without a picture.
        reviewable = item.picture is not None and item.outcome.verdict in CLASSIFIED
        for sink in self._rules.followers:
            if sink != self._rules.review or reviewable:
                actions += self._send(sink, key, item)
        return actions

    def _send(self, sink: str, key: Key, item: InFlight) -> list[Action]:
        item.awaiting.add(sink)
        return self._deliver(sink, self._deliveries.push(sink, key))

    def _deliver(self, sink: str, keys: Iterable[Key]) -> list[Action]:
        actions: list[Action] = []
        for key in keys:
            outcome = self._items[key].outcome
            assert outcome is not None
            actions.append(Deliver(sink, outcome, None))
        return actions
