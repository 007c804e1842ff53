"""The supervisor in virtual time: carries out the scenario's faults, and restarts who died."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from line.errors import StageDied
from line.events import Freeze, Kill, Slow
from line.settings import Settings
from line.supervise.restarts import Restarts
from planner.profile import Profile
from planner.sim.dispatcher import Dispatcher
from planner.sim.event_queue import EventQueue, Process, TimedCall
from planner.sim.lane import clock_speed
from planner.sim.random_draws import duration_s
from planner.sim.sink import Log
from planner.sim.worker import Worker
from producers.randomness import Purpose, stream


@dataclass(frozen=True, slots=True)
class Failures:
    """Every worker fails by itself now and then. Both times are exponential, with these means."""

    between_s: float
    """virtual seconds of service between repair and failure"""
    repair_s: float
    """virtual seconds from failure to repair"""


class Supervisor:
    """Knows all processes by name."""

    def __init__(
        self,
        queue: EventQueue,
        settings: Settings,
        profile: Profile,
        dispatcher: Dispatcher,
        processes: Sequence[Process],
    ) -> None:
        self.restarts: Counter[str] = Counter()
        """role → unplanned restarts"""
        self.injected: list[int] = []
        """numbers of the scenario's faults that were carried out"""
        self._queue = queue
        self._settings = settings
        self._profile = profile
        self._dispatcher = dispatcher
        self._processes = {process.name: process for process in processes}
        self._restarts = {name: Restarts(settings.supervisor) for name in self._processes}
        self._given_up: set[str] = set()
        """names of those that died too often"""
        self._chance = stream(settings.line.seed, 0, 0, Purpose.FAILURE)
        speed = clock_speed(settings)
        # On the `max` clock belt time is no measure of how long a process should suffer.
        self._speed = speed if math.isfinite(speed) else 1.0
        self._due = sorted(range(len(settings.events)), key=lambda n: settings.events[n].at_s)
        if math.isfinite(speed):
            for number in self._due:
                queue.at(settings.events[number].at_s / speed, self._inject, number)
            self._due.clear()

    def belt_reached(self, belt_s: float) -> None:
        """The first lane is so far; on the `max` clock nobody knows beforehand when that is."""
        while self._due and self._settings.events[self._due[0]].at_s <= belt_s:
            self._queue.at(self._queue.now, self._inject, self._due.pop(0))

    def fail(self, failures: Failures) -> None:
        """From now on workers fail by themselves."""
        for number in range(len(self._names_of_workers)):
            times_s = _times_s(self._settings.line.seed, number, failures)
            self._queue.at(self._queue.now + next(times_s), self._break, (number, times_s))

    def kill(self, name: str) -> None:
        """The process dies; it is restarted or given up as the real one would be.

        Raises:
            StageDied: it was given up, and nobody is left who does its work.
        """
        process = self._processes[name]
        if not process.is_up:
            return
        now = self._queue.now
        self._reap(process)
        delay_s = self._restarts[name].delay_s(now, now - process.since_s)
        if delay_s is None:
            self._given_up.add(name)
            self._check_stage(process)
            return
        self.restarts[process.role] += 1
        restart_s = duration_s(self._profile.restart_s, self._chance.random())
        self._queue.at(now + delay_s + restart_s, self._restart, process)

    # -- faults of the scenario ---------------------------------------------------------------

    def _inject(self, timed_call: TimedCall) -> None:
        self.injected.append(timed_call.about)
        event = self._settings.events[timed_call.about]
        process = self._processes.get(event.process)
        if process is None:
            return
        match event:
            case Kill():
                self.kill(event.process)
            case Freeze():
                self._freeze(process, event.duration_s / self._speed)
            case Slow():
                assert isinstance(process, Worker)
                process.slowness = event.factor
                ends_s = self._queue.now + event.duration_s / self._speed
                self._queue.at(ends_s, self._hurry, process)

    def _freeze(self, process: Process, duration_s: float) -> None:
        now = self._queue.now
        if process.is_up:
            process.freeze(now + duration_s)
            hang_s = self._settings.supervisor.hang_s
            if duration_s > hang_s:
                self._queue.at(now + hang_s, self._end_hung, (process, process.incarnation))

    def _end_hung(self, timed_call: TimedCall) -> None:
        process, incarnation = timed_call.about
        if process.incarnation == incarnation:
            self.kill(process.name)

    @staticmethod
    def _hurry(timed_call: TimedCall) -> None:
        timed_call.about.slowness = 1.0

    # -- deaths -------------------------------------------------------------------------------

    def _reap(self, process: Process) -> None:
        process.die()
        if isinstance(process, Worker):
            self._dispatcher.worker_left(process)
        elif isinstance(process, Log):
            self._dispatcher.log_left()

    def _check_stage(self, process: Process) -> None:
        """Workers stand in for one another; any other process is a stage by itself.

        What only reads the log's file is none.
        """
        if process.role == "sink" and not isinstance(process, Log):
            return
        if not (isinstance(process, Worker) and self._names_of_workers - self._given_up):
            raise StageDied(f"{process.name} was given up: it died too often")

    def _restart(self, timed_call: TimedCall) -> None:
        process: Process = timed_call.about
        process.revive()
        if isinstance(process, Worker):
            self._dispatcher.worker_joined(process)
        elif isinstance(process, Log):
            self._dispatcher.log_joined()

    # -- failures -----------------------------------------------------------------------------

    @property
    def _names_of_workers(self) -> set[str]:
        return {name for name, each in self._processes.items() if isinstance(each, Worker)}

    def _break(self, timed_call: TimedCall) -> None:
        number, times_s = timed_call.about
        worker = self._processes[f"worker-{number}"]
        repair_s, works_s = next(times_s), next(times_s)
        if worker.is_up:
            self._reap(worker)
            self.restarts["worker"] += 1
            self._queue.at(self._queue.now + repair_s, self._restart, worker)
        self._queue.at(self._queue.now + repair_s + works_s, self._break, (number, times_s))


def _times_s(seed: int, worker: int, failures: Failures) -> Iterator[float]:
    """How long one worker serves, how long it is repaired, and so on in turn."""
    rng = stream(seed, worker, 1, Purpose.FAILURE)
    while True:
        yield float(rng.exponential(failures.between_s))
        yield float(rng.exponential(failures.repair_s))
