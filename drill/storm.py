"""The drill itself: a run of the line, the plan carried out on it, and a watch over both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from drill.fault_events import EventWatch
from drill.fault_injector import FaultInjector
from drill.fault_records import FaultRecord
from drill.plan import BY_SCENARIO, Injection
from drill.soak import SoakLog, sample
from drill.subject import Process, Subject
from line.errors import BadInput
from line.run_files.session import Session
from line.supervise.resume import remember

_LOOK_S = 0.02
_SAMPLE_S = 5.0
_STUCK_S = 90.0
"""Without a row for so long, the line is taken to be stuck."""


@dataclass(slots=True)
class Storm:
    """What was done to a line, and how it took it."""

    records: list[FaultRecord] = field(default_factory=list)
    skipped: list[Injection] = field(default_factory=list)
    """planned, but the run was over before there was a chance"""
    status: int | None = None
    """of the last runner; None if the line was stuck"""


def run_storm(
    subject: Subject,
    injector: FaultInjector,
    injections: Sequence[Injection],
    log: SoakLog,
    watch: EventWatch,
    tell: Callable[[str], None],
) -> Storm:
    """Carry out the plan while the line runs, until it has ended."""
    storm = Storm()
    waiting = deque(each for each in injections if each.kind not in BY_SCENARIO)
    service = _Service(subject)
    begun = monotonic()
    next_sample = 0.0
    while subject.status is None or injector.runner_is_down:
        sleep(_LOOK_S)
        processes = subject.processes()
        service.look(injector.runner_is_down)
        injector.follow_up()
        watch.look()
        for record in storm.records:
            record.look(subject, processes)
        if waiting and not injector.runner_is_down and _is_due(waiting[0], service, processes):
            record_or_none = injector.inject(waiting[0])
            if record_or_none is not None:
                waiting.popleft()
                storm.records.append(record_or_none)
        if monotonic() >= next_sample:
            next_sample = monotonic() + _SAMPLE_S
            for name, pid in [
                ("runner", subject.runner_pid),
                *((p.name, p.pid) for p in processes),
            ]:
                log.add(sample(monotonic() - begun, name, pid))
            tell(f"{service.served_s:.0f} s of service, {len(storm.records)} faults")
        if service.silent_s > _STUCK_S:
            return storm
    watch.look()
    storm.skipped = list(waiting)
    storm.status = subject.status
    return storm


def injected_by_scenario(run_dir: Path, planned: Sequence[Injection]) -> list[Injection]:
    """Those of the plan that the line says it carried out itself."""
    mine = [each for each in planned if each.kind in BY_SCENARIO]
    try:
        done = Session.load(run_dir).injected
    except BadInput:
        return []
    first = len(remember(run_dir)[0].events) - len(mine)  # the scenario's own come before these
    return [mine[each.number - first] for each in done if first <= each.number < first + len(mine)]


class _Service:
    """How long the line has served: from the first row on, without the times of no runner."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.served_s = 0.0
        self.logged = 0
        self._serves = False
        self._looked = self._last_row = monotonic()

    @property
    def has_begun(self) -> bool:
        return self.served_s > 0 or self._serves

    @property
    def silent_s(self) -> float:
        """Since the last row."""
        return monotonic() - self._last_row

    def look(self, runner_is_down: bool) -> None:
        now = monotonic()
        logged = self._subject.bytes_logged()
        if self._serves:
            self.served_s += now - self._looked
        if logged > self.logged and (self.logged or not runner_is_down):
            self._last_row = now
            self._serves = True
        if runner_is_down:
            self._serves = False
        self.logged, self._looked = logged, now


def _is_due(injection: Injection, service: _Service, processes: Sequence[Process]) -> bool:
    if injection.at_s < 0:
        return len(processes) > 2  # some are there, none has done anything yet
    return service.has_begun and service.served_s >= injection.at_s
