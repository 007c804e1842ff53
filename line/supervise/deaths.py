"""Processes that ended: who is started again, who is given up, and when that ends the line."""

from __future__ import annotations

from line.errors import StageDied
from line.observe.status import Status
from line.run_files.session import Session
from line.supervise import child_log
from line.supervise.child import Child, ProcessSpec
from line.supervise.model_orders import ModelOrders
from line.supervise.outages import Outages
from line.supervise.process_table import FailedStart, ProcessTable


class Deaths:
    """Every one is told to the dispatcher, which ends the leases of the dead, and counted."""

    def __init__(
        self,
        table: ProcessTable,
        status: Status,
        session: Session,
        outages: Outages,
        models: ModelOrders,
    ) -> None:
        self._table = table
        self._status = status
        self._session = session
        self._outages = outages
        self._models = models
        self._worker_given_up = ""
        """the last one, and why"""
        self._served = 0.0
        """monotonic time at which there was last a worker, here or elsewhere"""

    def reap(self, child: Child, how: str) -> None:
        spec, worked = child.spec, self._has_worked(child)
        self._table.reap(child)
        if child.is_to_end and child.succeeded:
            self._table.finished.add(spec.name)
        if spec.name in self._table.finished:
            return  # a camera whose belt has ended is not needed any more
        if self._table.dispatcher is not None:
            self._table.dispatcher.channel.send("died", role=spec.role, process=child.identity)
        self._models.lost(child, how)
        if not self._table.is_needed(spec.name):
            return  # a worker that was told to leave
        why = self._table.restart(child, worked=worked)
        if not why:
            self._count_restart(spec, child.identity, how)
        elif child.last_words:
            self._give_up(spec, child.identity, child.last_words)
        else:
            last_line = child_log.last_line(child.log)
            said = f" ({last_line})" if last_line else ""
            self._give_up(spec, child.identity, f"it {why}, last: {how}{said}; see {child.log}")

    def count_failed(self, failed: FailedStart) -> None:
        """The machine could not start a process, which counts as a start that failed."""
        why = self._table.start_again(failed)
        if why:
            self._give_up(failed.spec, failed.identity, failed.why)
        else:
            self._count_restart(failed.spec, failed.identity, failed.why)

    def check_workers(self, now: float) -> None:
        """Workers elsewhere serve on when those here were given up; without them it is over."""
        if not self._worker_given_up or self._table.workers_left or self._status.remote_workers:
            self._served = now
        elif now - self._served > self._status.settings.supervisor.start_s:
            raise StageDied(f"{self._worker_given_up}; and no worker elsewhere serves")

    def _count_restart(self, spec: ProcessSpec, identity: str, how: str) -> None:
        self._status.restarts[spec.role] += 1
        self._session.restarts = dict(self._status.restarts)
        self._outages.died(identity, how)

    def _give_up(self, spec: ProcessSpec, identity: str, why: str) -> None:
        """Only workers stand in for one another; any other process is a stage by itself."""
        text = f"{spec.name} was given up: {why}"
        self._outages.given_up(identity, text)
        if spec.only_looks_on:
            self._status.incidents.append(text)
        elif spec.role != "worker":
            raise StageDied(text)
        elif not self._models.revived(spec, why):
            self._worker_given_up = text
            # One elsewhere may have joined just now, of which the dispatcher has not told yet.
            may_join = bool(self._status.settings.transport.listen)
            if not self._table.workers_left and not may_join:
                raise StageDied(text)

    def _has_worked(self, child: Child) -> bool:
        """In this life it, or the line around it, brought something to its end."""
        if child.spec.role == "worker":
            return self._status.answered_by(child.identity) > 0
        return self._status.rows > child.rows_before
