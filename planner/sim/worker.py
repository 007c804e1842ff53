"""A worker in virtual time: batches as the real one's, inferences as long as measured."""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from line.dispatch.worker_leases import largest_batch
from line.events import Corrupt, Poison
from line.messages import Refusal
from line.outcome import DAMAGED, TOO_LATE, Verdict
from line.settings import Settings
from planner.sim.event_queue import EventQueue, Process, TimedCall
from planner.sim.inference import SHARES, Inference
from planner.sim.machine import SharedMachine
from planner.sim.stand_ins import Answer, Item

_SAME_S = 1e-9
"""Moments closer than that are one."""


class DispatcherLink(Protocol):
    """Where answers go, and who buries workers."""

    def answers(self, timed_call: TimedCall) -> None: ...

    def crashed(self, name: str) -> None: ...


class Worker(Process):
    """One classifier."""

    def __init__(
        self,
        queue: EventQueue,
        settings: Settings,
        number: int,
        machine: SharedMachine,
        dispatcher: DispatcherLink,
    ) -> None:
        super().__init__(queue, f"worker-{number}", "worker")
        self.slowness = 1.0
        """factor on its inferences"""
        self.processor_s = 0.0
        """that it has used, as far as that is known"""
        self._machine = machine
        self._dispatcher = dispatcher
        self._seed = settings.line.seed
        self._corruptions = [e for e in settings.events if isinstance(e, Corrupt)]
        self._poisons = [e for e in settings.events if isinstance(e, Poison)]
        self._largest_batch = largest_batch(settings.worker_credit)
        self.batches = machine.measured.service.batches if settings.by_slack else None
        """what they take, if it is given them by slack"""
        self._sizes: deque[int] = deque()
        """by slack: of the batches in the inbox"""
        self._coming = 0
        """by slack: frames of a batch whose end has not been seen"""
        self._inbox: deque[tuple[float, Item]] = deque()
        self._arrived_s = 0.0
        self._is_awake = False
        """in an inference, or about to look into its inbox"""
        self._inference: Inference | None = None
        self._due_s = math.inf
        """when it is looked at next"""

    def receive(self, item: Item) -> None:
        """The dispatcher has sent it on its way."""
        self._arrived_s = max(self._arrived_s, self.queue.now + item.half_way_s)
        self._inbox.append((self._arrived_s, item))
        if self.batches is not None:
            self._coming += 1
        elif not self._is_awake:
            self._wake()

    def end_batch(self) -> None:
        """What it was sent since the last batch is one."""
        self._sizes.append(self._coming)
        self._coming = 0
        if not self._is_awake:
            self._wake()

    def die(self) -> None:
        super().die()
        if self._inference is not None:
            self.processor_s += self._machine.end(self._inference, self.queue.now)
            self._inference = None
        self._inbox.clear()
        self._sizes.clear()
        self._coming = 0
        if self._is_awake:
            self._rest()
        self._arrived_s = 0.0
        self.slowness = 1.0

    def freeze(self, until_s: float) -> None:
        super().freeze(until_s)
        if self._inference is not None:
            self._inference.rest(self.queue.now, until_s)

    def _wake(self) -> None:
        comes_s = self._work_comes_s
        if self._is_awake or comes_s == math.inf:
            return
        self._is_awake = True
        self._machine.engage(self.queue.now)
        if (
            self._largest_batch == 1
            and self.batches is None
            and not (self.frozen_until_s or self._poisons)
        ):
            # Nothing that comes meanwhile would change the batch: one event less.
            self._begin(max(0.0, comes_s - self.queue.now))
        else:
            self.queue.at(comes_s, self._look, self.incarnation)

    @property
    def _work_comes_s(self) -> float:
        """When the next frame, or all of the next batch by slack, has come; infinite: none."""
        if self.batches is not None:
            return self._inbox[self._sizes[0] - 1][0] if self._sizes else math.inf
        return self._inbox[0][0] if self._inbox else math.inf

    def _look(self, timed_call: TimedCall) -> None:
        """Begin with what has come."""
        if timed_call.about != self.incarnation or not self.is_up:
            return
        if not self.is_frozen(self._look, timed_call):
            self._begin()

    def _begin(self, pause_s: float = 0.0, *, has_waited: bool = False) -> None:
        """What an item met when it came says nothing of its inference if it `has_waited`."""
        now = self.queue.now + pause_s
        inbox = self._inbox
        batch: list[Item] = []
        left = self._largest_batch if self.batches is None else self._sizes.popleft()
        while left and inbox and inbox[0][0] <= now:
            left -= 1
            _, item = inbox.popleft()
            refusal = self._refusal(item, now)
            if refusal is not None:
                self._send([refusal], item)
            elif self._poisons and _hits(self._poisons, self._seed, item):
                self._dispatcher.crashed(self.name)
                return
            else:
                batch.append(item)
        if batch:
            first = batch[0]
            self._infer(batch, int(first.patience * SHARES) if has_waited else first.service, now)
        else:
            self._rest()
            self._wake()

    def _rest(self) -> None:
        self._is_awake = False
        self._machine.release(self.queue.now)

    def _infer(self, batch: list[Item], service: int, now: float) -> None:
        inference = self._machine.begin(batch, service, self.slowness, now, self._appoint)
        self._inference = inference
        self._due_s = inference.ends_s
        self.queue.at(self._due_s, self._end, inference)

    def _appoint(self) -> None:
        """Its end has changed: look at the inference sooner, if that is necessary."""
        inference = self._inference
        if inference is not None and inference.ends_s < self._due_s:
            self._due_s = inference.ends_s
            self.queue.at(self._due_s, self._end, inference)

    def _end(self, timed_call: TimedCall) -> None:
        inference: Inference = timed_call.about
        now = self.queue.now
        if inference is not self._inference:
            return
        if inference.ends_s > now + _SAME_S:  # it was held up meanwhile
            if self._due_s <= now:
                self._due_s = math.inf
                self._appoint()
            return
        self.processor_s += self._machine.end(inference, now)
        self._inference = None
        began_s, lasted_s, batch = inference.began_s, now - inference.began_s, inference.batch
        known, model = self._machine.measured.answers, self._machine.model
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
        if self._work_comes_s <= self.queue.now:
            self._begin(self._machine.measured.service.turnaround_s, has_waited=True)
        else:
            self._rest()
            self._wake()

    def _send(self, messages: list[Answer] | list[Refusal], first: Item) -> None:
        arrives_s = self.queue.now + first.answer_s
        self.queue.at(arrives_s, self._dispatcher.answers, (self.identity, messages))

    def _refusal(self, item: Item, now: float) -> Refusal | None:
        if item.deadline <= now:
            return Refusal(item.camera, item.seq, Verdict.EXPIRED, TOO_LATE)
        if self._corruptions and _hits(self._corruptions, self._seed, item):
            return Refusal(item.camera, item.seq, Verdict.FAILED, DAMAGED)
        return None


def _hits(events: list[Corrupt] | list[Poison], seed: int, item: Item) -> bool:
    return any(e.hits(seed, item.camera, item.seq, item.scheduled_s) for e in events)
