"""The machine of one run: how slow it was, and when.

How long inferences took ÷ what the profile says of such inferences, in the same company at the same
pace; and the workers' processor time ÷ what the profile says of so many answers. The first holds
whatever made them slow: the processor, the host of a virtual machine, or another program that had
the core. The second tells what processors had to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, inf
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from line.errors import BadInput
from line.run_files.machine_trace import MACHINE, MachineMoment, read_machine
from line.run_files.results import FILE as RESULTS
from line.run_files.results import read_rows
from line.settings import Settings
from planner.measure.rows import Inference, inferences, read_answers
from planner.profile import Profile
from planner.sim.machine import PACE_S
from planner.sim.measured import Measured
from planner.sim.slowness import TracedSlowness

STEP_S = 0.1
_FEWEST = 8
"""Inferences that a stretch is judged by, at least."""
_LONGEST_S = 3.0
"""And in so much time; if there were fewer it was as in the whole run."""
_SHORTEST_S = 0.4
"""Of a stretch: twice the time between two moments."""
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunMachine:
    """What a hindcast needs of it."""

    times: float
    """as long as in the profile, in the whole run"""
    speed: float
    """times as much processor time as in the profile, in the whole run"""
    slowness: TracedSlowness
    """beside `times`, moment by moment"""
    others: float
    """cores that other programs took, on average"""
    steal: float
    """cores that the host took"""
    waited: float
    """time that workers waited for a core ÷ their processor time"""


def run_machine(run_dir: Path, settings: Settings, profile: Profile) -> RunMachine:
    """Of the run in a folder with these settings, beside the machine of a profile.

    Raises:
        BadInput: the run has no trace, a file of it is damaged, none of its items was answered, or
            the profile has no processor times.
    """
    if not profile.processor:
        raise BadInput("the profile has no processor times: measure again with run_line.py profile")
    moments = read_machine(run_dir)
    if len(moments) < 2:
        raise BadInput(f"{run_dir / MACHINE}: too short a run")
    clock = 1.0 if settings.line.speed == "max" else settings.line.speed
    answers = read_answers(run_dir / RESULTS, clock)
    if not answers or moments[-1].workers_s <= moments[0].workers_s:
        raise BadInput(f"{run_dir}: no inference of a worker of this machine")
    runs = inferences(answers)
    triggers_s = sorted(
        float(row["scheduled_s"]) / clock for row in read_rows(run_dir / RESULTS, dict)
    )
    work = _Work.of(moments, runs, *_expected_s(runs, triggers_s, settings, profile))
    whole = work.between(0, len(moments) - 1)
    ends_s, times, speeds = zip(*work.stretches(whole), strict=True)
    places = np.searchsorted(ends_s, np.arange(0.0, moments[-1].at_s, STEP_S), side="right")
    spent = moments[-1].since(moments[0])
    span_s = moments[-1].at_s - moments[0].at_s
    return RunMachine(
        times=whole.times,
        speed=whole.speed,
        slowness=TracedSlowness(
            STEP_S,
            [times[place] / whole.times for place in places],
            [speeds[place] / whole.times for place in places],
        ),
        others=max(0.0, spent.busy_s - spent.line_s) / span_s,
        steal=spent.steal_s / span_s,
        waited=spent.waiting_s / spent.workers_s,
    )


class _Stretch(NamedTuple):
    """Of a run, beside the profile."""

    times: float
    """as long"""
    speed: float
    """times as much processor time"""


@dataclass(frozen=True, slots=True)
class _Work:
    """Totals at the moments of a trace. What is expected is by the profile."""

    moments: Sequence[MachineMoment]
    workers_s: _Array
    done: _Array
    """inferences"""
    lasted_s: _Array
    """time in inferences"""
    expected_s: _Array
    """the same"""
    expected_processor_s: _Array

    @classmethod
    def of(
        cls,
        moments: Sequence[MachineMoment],
        runs: Sequence[Inference],
        expected_s: _Array,
        processor_s: _Array,
    ) -> _Work:
        """`expected_s`, `processor_s`: of each inference."""
        at_s = np.array([moment.at_s for moment in moments])
        lasted_s = np.array([run.ended_s - run.started_s for run in runs])
        worths = (np.ones(len(runs)), lasted_s, expected_s, processor_s)
        return cls(
            moments,
            np.array([moment.workers_s for moment in moments]),
            *(_until(at_s, runs, worth) for worth in worths),
        )

    def between(self, first: int, last: int) -> _Stretch:
        """Two moments, with inferences between them."""

        def added(total: _Array) -> float:
            return float(total[last] - total[first])

        return _Stretch(
            added(self.lasted_s) / added(self.expected_s),
            added(self.workers_s) / added(self.expected_processor_s),
        )

    def stretches(self, whole: _Stretch) -> Iterator[tuple[float, float, float]]:
        """(end, times as long, times as much processor time); of the last one without an end."""
        first = 0
        for last, moment in enumerate(self.moments):
            passed_s = moment.at_s - self.moments[first].at_s
            if passed_s >= _SHORTEST_S and self.done[last] - self.done[first] >= _FEWEST:
                yield moment.at_s, *self.between(first, last)
            elif passed_s >= _LONGEST_S:
                yield moment.at_s, *whole
            else:
                continue
            first = last
        yield inf, *whole


def _expected_s(
    runs: Sequence[Inference], triggers_s: Sequence[float], settings: Settings, profile: Profile
) -> tuple[_Array, _Array]:
    """Of each inference by the profile: how long it takes, and the processor time."""
    assert isinstance(settings.line.workers, int)
    workers = settings.line.workers
    measured = Measured.of(profile, workers)
    assert measured.processor is not None
    service, an_answer_s = measured.service, measured.processor.an_answer_s
    expected_s, processor_s = [], []
    for run, pace in zip(runs, _paces([run.started_s for run in runs], triggers_s), strict=True):
        step = measured.paces.step(pace)
        crowd = service.crowds[min(workers, round(run.company))]
        expected_s.append(fmean(service.table_s(crowd, run.batch, step)))
        processor_s.append(run.batch * an_answer_s[step])
    return np.array(expected_s), np.array(processor_s)


def _paces(moments_s: Sequence[float], triggers_s: Sequence[float]) -> Iterator[float]:
    """Items a second at each of ascending moments, taken as the twin takes them."""
    pace, last_s, coming = 0.0, 0.0, 0
    for moment_s in moments_s:
        while coming < len(triggers_s) and triggers_s[coming] <= moment_s:
            pace = pace * exp((last_s - triggers_s[coming]) / PACE_S) + 1 / PACE_S
            last_s = triggers_s[coming]
            coming += 1
        yield pace * exp((last_s - moment_s) / PACE_S)


def _until(at_s: _Array, runs: Sequence[Inference], worth: _Array) -> _Array:
    """What was done of the inferences until each moment, each of them evenly in its time."""
    began = np.array([run.started_s for run in runs])
    lasted = np.array([max(run.ended_s - run.started_s, 1e-6) for run in runs])
    rates = worth / lasted
    moments = np.concatenate([began, began + lasted])
    order = np.argsort(moments, kind="stable")
    at_work = np.cumsum(np.concatenate([rates, -rates])[order])
    done = np.concatenate([[0.0], np.cumsum(at_work[:-1] * np.diff(moments[order]))])
    found: _Array = np.interp(at_s, moments[order], done)
    return found
