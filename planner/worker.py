"""A worker in virtual time: batches as the real one's, inferences as long as measured."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from line.events import Corrupt, Poison
from line.messages import Refusal
from line.outcome import Verdict
from line.settings import Settings
from line.workforce import largest_batch
from planner.agenda import Agenda, Happening
from planner.process import Process
from planner.stand_ins import Answer, Item
from planner.workplace import Workplace

_TOO_LATE = "its deadline passed at the worker"
_DAMAGED = "its picture was damaged on the way: the checksum differs"


class Employer(Protocol):
    """Where answers go, and who buries workers."""

    def answers(self, happening: Happening) -> None: ...

    def crashed(self, name: str) -> None: ...


class Worker(Process):
    """One classifier."""

    def __init__(
        self,
        agenda: Agenda,
        settings: Settings,
        number: int,
        workplace: Workplace,
        employer: Employer,
    ) -> None:
        super().__init__(agenda, f"worker-{number}", "worker")
        self.slowness = 1.0
        """factor on its inferences"""
        self._workplace = workplace
        self._employer = employer
        self._seed = settings.line.seed
        self._corruptions = [e for e in settings.events if isinstance(e, Corrupt)]
        self._poisons = [e for e in settings.events if isinstance(e, Poison)]
        self._largest_batch = largest_batch(settings.worker.credit)
        self._inbox: deque[tuple[float, Item]] = deque()
        self._arrived_s = 0.0
        self._is_awake = False
        """in an inference, or about to look into its inbox"""
        self._began_s = self._ends_s = 0.0
        self._is_busy = False

    def receive(self, item: Item) -> None:
        """The dispatcher has sent it on its way."""
        self._arrived_s = max(self._arrived_s, self.agenda.now + item.half_way_s)
        self._inbox.append((self._arrived_s, item))
        if not self._is_awake:
            self._wake()

    def die(self) -> None:
        super().die()
        self._settle()
        self._inbox.clear()
        self._is_awake = False
        self._arrived_s = 0.0
        self.slowness = 1.0

    def freeze(self, until_s: float) -> None:
        super().freeze(until_s)
        self._ends_s += until_s - self.agenda.now

    def _wake(self) -> None:
        if self._is_awake or not self._inbox:
            return
        self._is_awake = True
        comes_s = self._inbox[0][0]
        if self._largest_batch == 1 and not (self.frozen_until_s or self._poisons):
            # Nothing that comes meanwhile would change the batch: one event less.
            self._begin(max(0.0, comes_s - self.agenda.now))
        else:
            self.agenda.at(comes_s, self._look, self.incarnation)

    def _look(self, happening: Happening) -> None:
        """Begin with what has come."""
        if happening.about != self.incarnation or not self.is_up:
            return
        if not self.is_frozen(self._look, happening):
            self._begin()

    def _begin(self, pause_s: float = 0.0) -> None:
        now = self.agenda.now + pause_s
        inbox = self._inbox
        batch: list[Item] = []
        left = self._largest_batch
        while left and inbox and inbox[0][0] <= now:
            left -= 1
            _, item = inbox.popleft()
            refusal = self._refusal(item, now)
            if refusal is not None:
                self._send([refusal], item)
            elif self._poisons and _hits(self._poisons, self._seed, item):
                self._employer.crashed(self.name)
                return
            else:
                batch.append(item)
        if batch:
            self._infer(batch, now)
        else:
            self._is_awake = False
            self._wake()

    def _infer(self, batch: list[Item], now: float) -> None:
        workplace = self._workplace
        workplace.busy += 1
        times_s = workplace.times_s(len(batch), now)
        self._is_busy = True
        self._began_s, self._ends_s = now, now + self.slowness * times_s[batch[0].service]
        self.agenda.at(self._ends_s, self._end, (self.incarnation, batch))

    def _end(self, happening: Happening) -> None:
        incarnation, batch = happening.about
        if incarnation != self.incarnation or not self.is_up:
            return
        if self._ends_s > self.agenda.now:  # it was frozen meanwhile
            self.agenda.at(self._ends_s, self._end, happening.about)
            return
        began_s, lasted_s = self._began_s, self._ends_s - self._began_s
        self._settle()
        known, model = self._workplace.answers, self._workplace.model
        self._send(
            [
                Answer(
                    item.camera,
                    item.seq,
                    item.key,
                    known.draw(item.true_class, item.answer),
                    began_s,
                    lasted_s,
                    model,
                )
                for item in batch
            ],
            batch[0],
        )
        if self._inbox and self._inbox[0][0] <= self.agenda.now:
            self._begin(self._workplace.service.turnaround_s)
        else:
            self._is_awake = False
            self._wake()

    def _settle(self) -> None:
        """The inference is over, whether it was finished or not."""
        if self._is_busy:
            self._is_busy = False
            self._workplace.busy -= 1
            self._workplace.busy_s += self.agenda.now - self._began_s

    def _send(self, messages: list[Answer] | list[Refusal], first: Item) -> None:
        arrives_s = self.agenda.now + first.answer_s
        self.agenda.at(arrives_s, self._employer.answers, (self.identity, messages))

    def _refusal(self, item: Item, now: float) -> Refusal | None:
        if item.deadline <= now:
            return Refusal(item.camera, item.seq, Verdict.EXPIRED, _TOO_LATE)
        if self._corruptions and _hits(self._corruptions, self._seed, item):
            return Refusal(item.camera, item.seq, Verdict.FAILED, _DAMAGED)
        return None


def _hits(events: list[Corrupt] | list[Poison], seed: int, item: Item) -> bool:
    return any(e.hits(seed, item.camera, item.seq, item.scheduled_s) for e in events)
