"""The whole line in one queue of timed calls, a good deal faster than time passes.

What is real: the belt's arrivals and items, the camera's window, the ledger, the judge, the rules
of batching, leases, restarts and sinks' rests. What is replaced: pictures, messages and inferences,
by the times that a profile holds of them; answers, by real answers to other items of the class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from line.dispatch.ledger import Ledger, Rules
from line.errors import BadInput, StageDied
from line.observe.processor_bill import SUPERVISOR
from line.outcome import Outcome
from line.run_files.machine_trace import CHILDREN
from line.section import LOG
from line.settings import Settings
from planner.profile import Profile
from planner.sim.answers import Answers, BriefJudge, RememberingJudge
from planner.sim.camera import Camera
from planner.sim.dispatcher import Dispatcher
from planner.sim.event_queue import EventQueue, Process
from planner.sim.lane import items
from planner.sim.line_figures import Figures
from planner.sim.machine import SharedMachine
from planner.sim.measured import Measured
from planner.sim.processor import Passed, kind_of
from planner.sim.random_draws import random_draws
from planner.sim.sink import Log, OnRow
from planner.sim.slowness import MachineSlowness, Slowness, mean_speed
from planner.sim.source import KnownSource, is_smeared, known_source
from planner.sim.supervisor import Failures, Supervisor
from planner.sim.worker import Worker
from producers.arrivals import lane_arrivals


def simulate(
    settings: Settings,
    profile: Profile,
    *,
    on_row: OnRow | None = None,
    failures: Failures | None = None,
    measured: Measured | None = None,
    slowness: Slowness | None = None,
) -> Figures:
    """Run the line that `settings` describe, to its end, on the machine of `profile`.

    Models: arrivals, surges, drifts and true classes, exactly as the real line has them; the
    picture thread; the window and its drops; hops; leases, credits, order of deadlines, retries;
    batches; inferences that go as fast as the pool, the batch, the pace of the belt and the workers
    that are at work let them; the log's credit and acknowledgements; any clock; kills and
    freezes of any process, slow workers, stalls, damaged and poisonous pictures; and `failures`.

    Assumes: but for the machine's speed, which goes through a stretch of what was measured, chance
    is independent from item to item; what follows the log, and pictures kept for
    review, cost nothing; lamps that are dim change no answer (`dim` has no effect); the runner, the
    disk and messages lost in the sockets cost nothing; any process is back after `restart_s` and
    the delay that the restart rules want.

    The same settings, profile and failures give the same rows in the same order, byte for byte.
    Memory does not depend on the number of items. `line.workers` must be a number. `on_row` is
    called with each item's row when the CSV log writes it. A line that dies, because a process was
    killed too often, ends early: see `Figures.died`. `measured`: of the profile for as many
    workers, where somebody has it; it changes nothing. `slowness`: of the machine, in place of a
    stretch that the seed chooses of what was measured.

    Raises:
        BadInput: the items' classes are not known beforehand or not to the profile; the belt has no
            end; or there are no workers.
    """
    return _Twin(settings, profile, on_row, measured, slowness).run(failures)


class _Twin:
    """One line, put together."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        on_row: OnRow | None,
        measured: Measured | None,
        slowness: Slowness | None,
    ) -> None:
        source = _source(settings)
        measured = measured or Measured.of(profile, _workers(settings))
        measured.answers.check(source.classes)
        self._settings = settings
        self._profile = profile
        self._rows_are_read = on_row is not None
        self._figures = Figures(
            {name: settings.mass_g(name) for name in source.classes}, workers=_workers(settings)
        )
        self._queue = EventQueue()
        self._dispatcher = Dispatcher(self._queue, settings, self._new_ledger)
        self._slowness = slowness or MachineSlowness(
            profile.slowness, profile.slowness_within, settings.line.seed
        )
        self._machine = SharedMachine(measured, self._slowness, profile.short_hash)
        self._log = Log(self._queue, LOG, self._dispatcher, _both(self._figures.count, on_row))
        self._workers = [
            Worker(self._queue, settings, number, self._machine, self._dispatcher)
            for number in range(self._figures.workers)
        ]
        self._cameras = [self._camera(number, source) for number in range(settings.line.cameras)]
        self._lanes_left = len(self._cameras)
        # They read the log's file: whether they live is nothing to the line.
        reading = [Process(self._queue, name, "sink") for name in settings.sinks if name != LOG]
        processes = [*self._cameras, *self._workers, self._log, *reading, self._dispatcher]
        self._supervisor = Supervisor(self._queue, settings, profile, self._dispatcher, processes)

    def run(self, failures: Failures | None) -> Figures:
        dispatcher, figures = self._dispatcher, self._figures
        dispatcher.cameras = self._cameras
        dispatcher.workers = {worker.name: worker for worker in self._workers}
        dispatcher.log = self._log
        dispatcher.crashed = self._supervisor.kill
        dispatcher.open()
        if failures is not None:
            self._supervisor.fail(failures)
        for camera in self._cameras:
            camera.begin()
        try:
            self._queue.run()
        except StageDied as error:
            figures.died = error
        figures.events = self._queue.events
        figures.settle()
        figures.unaccounted = sum(camera.fed for camera in self._cameras) - figures.fed
        figures.wall_s = self._queue.now
        figures.belt_s = max(camera.reached_s for camera in self._cameras)
        figures.busy_s = self._machine.busy_s
        figures.processor_s.update(self._processor_s())
        figures.restarts.update(self._supervisor.restarts)
        figures.injected = tuple(self._supervisor.injected)
        return figures

    def _processor_s(self) -> Mapping[str, float]:
        """Of each process whose kind was measured."""
        model, wall_s = self._machine.measured.processor, self._figures.wall_s
        if model is None or not wall_s:
            return {}
        figures, cameras = self._figures, self._cameras
        seen = sum(camera.fed for camera in cameras)
        passed = dict.fromkeys((SUPERVISOR, self._dispatcher.name, *self._settings.sinks), cameras)
        for camera in cameras:
            passed[camera.name] = passed[f"{camera.name}{CHILDREN}"] = [camera]
        speed = mean_speed(self._slowness, wall_s)
        found = defaultdict[str, float](float)
        found.update({worker.name: worker.processor_s for worker in self._workers})
        for name, own in passed.items():
            fed = sum(camera.fed for camera in own)
            each = Passed(
                fed / wall_s,
                sum(camera.exposed for camera in own) / wall_s,
                sum(camera.made for camera in own) / wall_s,
                figures.latency_ms.count * (fed / seen if seen else 0.0) / wall_s,
            )
            cores = model.cores(kind_of(name), each, seen / wall_s)
            if cores is not None:
                found[name.removesuffix(CHILDREN)] += cores * speed * wall_s
        return found

    def _new_ledger(self) -> Ledger:
        rules = Rules.of(self._settings)
        decision = self._settings.decision
        threshold = decision.threshold
        judge_of = RememberingJudge if self._rows_are_read else BriefJudge
        judge = judge_of(
            classes=self._profile.classes,
            residue_class=self._settings.belt.residue_class,
            threshold=self._profile.threshold if threshold == "model" else threshold,
            promised=decision.thresholds_of(self._profile.short_hash),
        )
        return Ledger(rules, judge)

    def _camera(self, number: int, source: KnownSource) -> Camera:
        settings = self._settings
        belt = items(
            settings,
            number,
            lane_arrivals(settings, number, source.length),
            source.true_classes(number),
            random_draws(self._profile, settings.line.seed, number),
            self._figures.mass_g,
        )
        smearing_ms = self._profile.smearing_ms if is_smeared(settings, source.is_exact) else 0.0
        tell_belt = self._tell_belt if number == 0 else _nothing
        return Camera(
            self._queue,
            settings,
            number,
            belt,
            self._dispatcher,
            tell_belt,
            self._lane_done,
            self._machine,
            smearing_ms / 1000,
        )

    def _tell_belt(self, belt_s: float) -> None:
        self._supervisor.belt_reached(belt_s)

    def _lane_done(self) -> None:
        self._lanes_left -= 1
        if not self._lanes_left:
            self._queue.end()


def check(settings: Settings, profile: Profile) -> KnownSource:
    """The source of the items, if the twin can simulate the line; see `simulate` for its errors."""
    source = _source(settings)
    Answers(profile).check(source.classes)
    return source


def _source(settings: Settings) -> KnownSource:
    if not settings.line.workers:
        raise BadInput("line.workers: 0; in virtual time there are no workers on other machines")
    if settings.decision.novelty_energy != "off":
        raise BadInput(
            'decision.novelty_energy: answers in virtual time have no energy; set it to "off"'
        )
    source = known_source(settings)
    if not (settings.line.duration_s or settings.line.items or source.length):
        raise BadInput("line.duration_s, line.items: both 0; a belt in virtual time needs an end")
    return source


def _workers(settings: Settings) -> int:
    assert isinstance(settings.line.workers, int)
    return settings.line.workers


def _both(count: OnRow, on_row: OnRow | None) -> OnRow:
    if on_row is None:
        return count

    def hear(outcome: Outcome) -> None:
        count(outcome)
        on_row(outcome)

    return hear


def _nothing(_: float) -> None:
    """Only the first lane's belt times the events."""
