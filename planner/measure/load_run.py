"""One run of the real line under a known load, and what was seen of it."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic

from line.errors import BadInput, StageDied
from line.model.facts import ModelFacts
from line.observe.status import Status
from line.run_files.results import FILE as RESULTS
from line.run_files.run_folder import RunFolder
from line.settings import Settings
from line.supervise import runner
from planner.measure.processor import Used, used
from planner.measure.rows import Answer, Inference, inferences, read_answers
from producers.sources import keep_pictures

Watch = Callable[[Status], None]


@dataclass(frozen=True)
class Seen:
    """What a run showed."""

    settings: Settings
    answers: list[Answer]
    start_s: float
    """from the start of the worker's processes until all of them were ready"""
    cycle_s: float | None
    """wall time between two items, from the counts that the camera gave on its way"""
    used: Used | None = None
    """processor time, until somebody was killed"""
    slowness: float = 1.0
    """how much longer the machine took over everything than it did at first"""

    def only(self, answers: list[Answer]) -> Seen:
        """The same run, with some of its answers."""
        return replace(self, answers=answers)

    @property
    def until_first_kill(self) -> Seen:
        """The run as long as nothing was done to it."""
        end_s = first_event_s(self.settings)
        return self.only([answer for answer in self.answers if answer.decided_s < end_s])

    @property
    def workers(self) -> int:
        """In the pool."""
        assert isinstance(self.settings.line.workers, int)
        return self.settings.line.workers

    @property
    def runs(self) -> list[Inference]:
        return inferences(self.answers)

    @property
    def fed_per_s(self) -> float:
        """As the infeed was set."""
        return round(self.settings.infeed.items_per_min / 60, 2)

    @property
    def answers_per_s(self) -> float:
        """From the first to the last."""
        if len(self.answers) < 2:
            return 0.0
        span_s = self.answers[-1].started_s - self.answers[0].started_s
        return (len(self.answers) - 1) / span_s if span_s else 0.0


def first_event_s(settings: Settings) -> float:
    """Belt second at which something is done to the line; infinite if nothing is."""
    return min((event.at_s for event in settings.events), default=math.inf)


def observe(settings: Settings, model: ModelFacts, watch: Watch) -> Seen:
    """Run the line in a folder that is gone afterwards, unless the line died.

    Raises:
        StageDied: the line did not come to its end.
        BadInput: it was interrupted, or no item was answered.
    """
    stopwatch = _Stopwatch()

    def look(status: Status) -> None:
        stopwatch.look(status)
        watch(status)

    path = Path(tempfile.mkdtemp(prefix="scrapline-profile-")) / "run"
    prepare = partial(keep_pictures, settings)
    ended = runner.run(settings, model, RunFolder(path), prepare, look)
    if ended.error is not None:  # its folder stays: the logs say why
        raise StageDied(f"the measured line ended early: {ended.error}")
    speed = 1.0 if settings.line.speed == "max" else settings.line.speed
    answers = read_answers(path / RESULTS, speed)
    spent = used(path, settings, answers, first_event_s(settings)) if answers else None
    shutil.rmtree(path.parent, ignore_errors=True)
    if ended.how != "finished":
        raise BadInput("interrupted: nothing is stored")
    if not answers:
        raise BadInput("no item of the measured line was answered; is its deadline too short?")
    return Seen(settings, answers, stopwatch.start_s, stopwatch.cycle_s, spent)


@dataclass(slots=True)
class _Stopwatch:
    """Notes what a run's files do not keep."""

    began: float | None = None
    start_s: float = 0.0
    marks: list[tuple[float, int]] = field(default_factory=list)
    """(monotonic time, items fed) whenever the count had grown"""

    def look(self, status: Status) -> None:
        now = monotonic()
        if self.began is None:
            self.began = now
        if not self.start_s and _are_ready(status):
            self.start_s = now - self.began
        if status.fed and (not self.marks or self.marks[-1][1] < status.fed):
            self.marks.append((now, status.fed))

    @property
    def cycle_s(self) -> float | None:
        if len(self.marks) < 3:
            return None
        (first, fed), (last, fed_last) = self.marks[0], self.marks[-1]
        return (last - first) / (fed_last - fed)


def _are_ready(status: Status) -> bool:
    workers = [process for process in status.processes if process.role == "worker"]
    return bool(workers) and all(process.state == "ready" for process in workers)
