"""The dispatcher in virtual time: feeds a real ledger and carries out its actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from line.dispatch import actions as act
from line.dispatch.ledger import Ledger
from line.dispatch.outbox import RowGathering
from line.messages import Frame, Key, Refusal, Unseen
from line.outcome import Outcome
from line.settings import Settings
from planner.sim.camera import Camera
from planner.sim.event_queue import EventQueue, Process, TimedCall
from planner.sim.sink import Log
from planner.sim.stand_ins import Item
from planner.sim.worker import Worker


class Dispatcher(Process):
    """Its peers are handed in once they exist: they know it, and it knows them."""

    cameras: Sequence[Camera]
    workers: Mapping[str, Worker]
    log: Log
    crashed: Callable[[str], None]
    """told the name of a process that is to die"""

    def __init__(
        self, queue: EventQueue, settings: Settings, new_ledger: Callable[[], Ledger]
    ) -> None:
        super().__init__(queue, "dispatcher", "dispatcher")
        self._settings = settings
        self._lease_s = settings.worker.lease_s
        self._new_ledger = new_ledger
        self._ledger = new_ledger()
        self._hired: dict[str, Worker] = {}
        """by identity"""
        self._by_slack = False
        """a worker is given batches so: the ledger says when"""
        self._alarm_s = math.inf
        self._rows: list[Outcome] = []
        """decided, not yet sent to the log"""
        self._gathering = RowGathering(settings.camera.window_frames)
        self._is_flush_due = False

    def open(self) -> None:
        """All peers that are there say hello."""
        if self.log.is_up:
            self.log.discard()
            self.log_joined()
        for worker in self.workers.values():
            if worker.is_up:
                self.worker_joined(worker)
        for camera in self.cameras:
            camera.send_again()

    def die(self) -> None:
        super().die()
        self._alarm_s = math.inf
        self._rows.clear()
        self._gathering = RowGathering(self._settings.camera.window_frames)
        self._is_flush_due = False

    def revive(self) -> None:
        super().revive()
        self._ledger = self._new_ledger()
        self._hired.clear()
        self.open()

    # -- what peers say -----------------------------------------------------------------------

    def frame(self, frame: Frame) -> None:
        """A camera's frame has arrived."""
        if self._is_away and self._puts_off(lambda _: self.frame(frame)):
            return
        self._carry_out(self._ledger.frame(frame, (), self.queue.now))
        if self._by_slack:
            self._look_ahead()
        elif self._ledger.waiting:
            self._wake_by(frame.deadline)

    def unseen(self, items: Iterable[Unseen]) -> None:
        """A camera's range has arrived."""
        if not self._puts_off(lambda _: self.unseen(items)):
            self._carry_out(self._ledger.unseen(items))

    def answers(self, timed_call: TimedCall) -> None:
        """A worker's (identity, results or refusals) have arrived."""
        if self._is_away and self._puts_off(self.answers, timed_call.about):
            return
        worker, messages = timed_call.about
        ledger, now = self._ledger, self.queue.now
        for message in messages:
            hear = ledger.refusal if isinstance(message, Refusal) else ledger.result
            self._carry_out(hear(worker, message, now))
        if self._by_slack:
            self._look_ahead()

    def stored(self, keys: Sequence[Key]) -> None:
        """The log has written."""
        if self._is_away and self._puts_off(lambda _: self.stored(keys)):
            return
        self._carry_out(self._ledger.stored(keys))

    # -- who comes and goes -------------------------------------------------------------------

    def worker_joined(self, worker: Worker) -> None:
        if self.is_up:
            self._hired[worker.identity] = worker
            credit, batches = self._settings.worker_credit, worker.batches
            self._by_slack = self._by_slack or batches is not None
            joined = self._ledger.worker_joined(
                worker.identity, credit, self.queue.now, batches=batches
            )
            self._carry_out(joined)
            self._look_ahead()

    def worker_left(self, worker: Worker) -> None:
        if self.is_up and worker.identity in self._hired:
            del self._hired[worker.identity]
            self._carry_out(self._ledger.worker_left(worker.identity, self.queue.now))
            self._look_ahead()

    def log_joined(self) -> None:
        if self.is_up:
            self._carry_out(self._ledger.log_joined(self._settings.sink.credit))

    def log_left(self) -> None:
        if self.is_up:
            self._ledger.log_left()
            self._rows.clear()

    # -- inside -------------------------------------------------------------------------------

    @property
    def _is_away(self) -> bool:
        """Dead, or perhaps frozen."""
        return bool(self.frozen_until_s) or not self.is_up

    def _puts_off(self, action: Callable[[TimedCall], None], about: object = None) -> bool:
        """Dead, it hears nothing; frozen, it hears later, unless it dies before."""
        if self.is_up and (not self.frozen_until_s or self.queue.now >= self.frozen_until_s):
            return False
        incarnation = self.incarnation

        def hear(timed_call: TimedCall) -> None:
            if self.incarnation == incarnation:
                action(timed_call)

        if self.is_up:
            self.queue.at(self.frozen_until_s, hear, about)
        return True

    def _carry_out(self, actions: Sequence[act.Action]) -> None:
        if not actions:
            return
        now, cameras = self.queue.now, self.cameras
        acknowledged: dict[int, list[int]] = {}
        for action in actions:
            if isinstance(action, act.Write):  # `match` would take three times as long
                self._rows.append(action.outcome)
            elif isinstance(action, act.Assign):
                self._wake_by(now + self._lease_s)
                hired = self._hired[action.worker]
                hired.receive(cast(Item, action.picture.frame))
                if action.ends_batch:
                    hired.end_batch()
            elif isinstance(action, act.Acknowledge):
                outcome = action.outcome
                acknowledged.setdefault(outcome.camera, []).append(outcome.seq)
                self.log.forget((outcome.camera, outcome.seq))
            elif isinstance(action, act.Suspect):
                self.crashed(self._hired[action.worker].name)
        for camera, seqs in acknowledged.items():
            cameras[camera].acknowledge(seqs)
        self._send_rows()

    def _send_rows(self) -> None:
        """To the log, if it is time; else look again when it is."""
        rows, now = self._rows, self.queue.now
        if self._gathering.take(len(rows), now, is_calm=not self._ledger.waiting):
            first = rows[0]
            store_s = self.cameras[first.camera].items[first.seq].store_s
            self.log.receive(rows, now + store_s)
            self._rows = []
        elif rows and not self._is_flush_due:
            self._is_flush_due = True
            self.queue.at(self._gathering.due(len(rows)), self._flush)

    def _flush(self, timed_call: TimedCall) -> None:
        if self._puts_off(self._flush):
            return
        self._is_flush_due = False
        self._send_rows()

    def _wake_by(self, moment_s: float) -> None:
        """Look at the time then, at the latest: a deadline passes, or a lease ends."""
        if moment_s < self._alarm_s:
            self._alarm_s = moment_s
            self.queue.at(moment_s, self._tick, moment_s)

    def _tick(self, timed_call: TimedCall) -> None:
        if timed_call.about != self._alarm_s or self._puts_off(self._tick, timed_call.about):
            return
        self._alarm_s = math.inf
        self._carry_out(self._ledger.tick(self.queue.now))
        self._look_ahead()

    def _look_ahead(self) -> None:
        moment_s = self._ledger.next_tick()
        if math.isfinite(moment_s):
            self._wake_by(moment_s)
