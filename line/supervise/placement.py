"""Workers on a cluster, as the supervisor sees them, and local ones while there are none.

A process beside the line has them started and stopped, see the package `placement`. It may hang or
die with its cluster: nobody here waits for it. Whether workers serve the dispatcher says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from line.errors import StageDied
from line.model.facts import ModelFacts
from line.observe.status import Status
from line.process.priority import usable_cores
from line.process.runtime_dir import RUN_KEYS
from line.run_files.line_logs import EventLog
from line.supervise.child import Child, ProcessSpec
from line.supervise.process_table import ProcessTable

NAME: Literal["placement"] = "placement"


def placement_spec() -> ProcessSpec:
    """The process that has workers started on a cluster."""
    return ProcessSpec(NAME, NAME, 0, "placement")


class Placement:
    """Does nothing for a line whose workers are all local. `serving`: the model of new workers."""

    def __init__(
        self,
        table: ProcessTable,
        status: Status,
        events: EventLog,
        runtime_dir: Path,
        serving: Callable[[], ModelFacts],
    ) -> None:
        self._table = table
        self._status = status
        self._events = events
        self._keys = runtime_dir / RUN_KEYS
        self._serving = serving
        self._settings = status.settings.placement
        self.is_on = self._settings.is_on_cluster
        self._began = self._served = monotonic()
        self._have_served = False
        self._standing_in = False
        self._told = 0

    def make_keys(self) -> None:
        """Anew, where the line's workers need some; whoever had one has to be let in again."""
        if not self.is_on:
            return
        from line.remote.run_keys import make_run_keys

        try:
            make_run_keys(self._keys)
        except OSError as error:
            raise StageDied(f"{self._keys}: {error.strerror or error}") from None
        if (child := self._table.children.get(NAME)) is not None:
            child.kill()

    @property
    def is_ready(self) -> bool:
        """The belt may begin: all workers serve, or those that do after `start_s`."""
        if not self.is_on or not self._status.workers:
            return True
        serve = len(self._status.flow.get("loads", {}))
        waited_s = monotonic() - self._began
        is_late = waited_s > self._status.settings.supervisor.start_s
        return serve >= self._status.workers or (serve > 0 and (is_late or self._standing_in))

    def welcome(self, child: Child) -> None:
        """A process is ready."""
        if child.spec.name == NAME:
            self.order()

    def set_workers(self, count: int) -> None:
        """So many on the cluster; and here, as far as local ones stand in."""
        self.order()
        if self._standing_in:
            self._table.set_workers(min(count, usable_cores()), self._serving().short_hash)

    def order(self) -> None:
        """Say how many workers are wanted, and with which model."""
        model = self._serving().model_dump(mode="json")
        self._send("workers", count=self._status.workers, model=model)

    def lost(self, worker: str) -> None:
        """The dispatcher has given up a worker that is not of this machine."""
        if self.is_on:
            self._send("lost", worker=worker)

    def look(self) -> None:
        """Called several times a second: local workers come and go."""
        if not self.is_on or self._status.phase == "stopping":
            return
        now = monotonic()
        if self._status.remote_workers or not self._status.workers:
            self._served, self._have_served = now, True
            if self._standing_in:
                self._standing_in = False
                self._table.set_workers(0, "")
                self._tell("placement_back", "workers on the cluster serve again; local ones leave")
        elif self._is_due(now):
            self._standing_in = True
            count = min(self._status.workers, usable_cores())
            self._table.set_workers(count, self._serving().short_hash)
            text = f"no worker on the cluster for {now - self._served:.0f} s: {count} start here"
            self._tell("placement_local", text)

    def _is_due(self, now: float) -> bool:
        after_s = self._settings.local_after_s
        if not after_s or self._standing_in:
            return False
        starting_s = 0.0 if self._have_served else self._status.settings.supervisor.start_s
        return now - self._served > after_s + starting_s

    def _tell(self, event: str, text: str) -> None:
        self._told += 1
        self._events.append(f"{event}-{self._began:.3f}-{self._told}", event, text, NAME)
        self._status.incidents.append(text)

    def _send(self, kind: str, **facts: Any) -> None:
        child = self._table.children.get(NAME)
        if child is not None:
            child.channel.send(kind, **facts)
