"""The machine of one run, from the trace that the run has kept: how slow it was, and when.

Two things make an inference longer than in the profile. The processor is slower, so it takes more
processor time: the workers' processor time ÷ what the profile says of the same inferences, in the
same company. And it waits for a core: more than the profile's workers did, which wait for the rest
of the line alone; and while the host of a virtual machine has the core, whatever runs there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, inf
from pathlib import Path
from statistics import fmean

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
from planner.sim.slowness import RunSlowness

STEP_S = 0.1
_FEWEST = 8
"""Inferences that the processor's speed is judged by, at least."""
_LONGEST_S = 3.0
"""And in so much time; if there were fewer it was as in the whole run."""
_SHORTEST_S = 0.4
"""Of a stretch: the kernel counts what the host takes in hundredths of a second."""
_LEAST_BUSY_S = 0.01
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunMachine:
    """What a hindcast needs of it."""

    speed: float
    """times as much processor time as in the profile, in the whole run"""
    slowness: RunSlowness
    """beside that, moment by moment"""
    others: float
    """cores that other programs took, on average"""
    steal: float
    """cores that the host took"""


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
    speed = float(np.ptp(work.workers_s) / np.ptp(work.expected_s))
    ends_s, speeds, waits = zip(*work.stretches(speed), strict=True)
    places = np.searchsorted(ends_s, np.arange(0.0, moments[-1].at_s, STEP_S), side="right")
    whole = moments[-1].since(moments[0])
    span_s = moments[-1].at_s - moments[0].at_s
    return RunMachine(
        speed=speed,
        slowness=RunSlowness(
            STEP_S, [speeds[place] for place in places], [waits[place] for place in places]
        ),
        others=max(0.0, whole.busy_s - whole.line_s) / span_s,
        steal=whole.steal_s / span_s,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """Totals at the moments of a trace. What is expected is by the profile."""

    moments: Sequence[MachineMoment]
    workers_s: _Array
    done: _Array
    """inferences"""
    expected_s: _Array
    """processor time of the workers"""
    expected_waiting_s: _Array

    @classmethod
    def of(
        cls,
        moments: Sequence[MachineMoment],
        runs: Sequence[Inference],
        expected_s: _Array,
        waiting_s: _Array,
    ) -> _Work:
        """`expected_s`, `waiting_s`: of each inference."""
        at_s = np.array([moment.at_s for moment in moments])
        return cls(
            moments,
            np.array([moment.workers_s for moment in moments]),
            *(_until(at_s, runs, worth) for worth in (np.ones(len(runs)), expected_s, waiting_s)),
        )

    def stretches(self, speed: float) -> Iterator[tuple[float, float, float]]:
        """(end, times as much processor time as in the whole run, times as long by waiting)."""
        first, usual = 0, self._waits(0, len(self.moments) - 1)
        for last, moment in enumerate(self.moments):
            passed_s = moment.at_s - self.moments[first].at_s
            if passed_s >= _SHORTEST_S and self.done[last] - self.done[first] >= _FEWEST:
                yield moment.at_s, self._speed(first, last) / speed, self._waits(first, last)
            elif passed_s >= _LONGEST_S:
                yield moment.at_s, 1.0, usual
            else:
                continue
            first = last
        yield inf, 1.0, usual

    def _speed(self, first: int, last: int) -> float:
        spent_s = self.workers_s[last] - self.workers_s[first]
        return float(spent_s / (self.expected_s[last] - self.expected_s[first]))

    def _waits(self, first: int, last: int) -> float:
        spent = self.moments[last].since(self.moments[first])
        waited = 1.0 + spent.waiting_s / max(spent.workers_s, _LEAST_BUSY_S)
        expected_s = self.expected_s[last] - self.expected_s[first]
        usual = self.expected_waiting_s[last] - self.expected_waiting_s[first]
        by_host = 1.0 + spent.steal_s / max(spent.busy_s, _LEAST_BUSY_S)
        return float(waited / (1.0 + usual / expected_s) * by_host)


def _expected_s(
    runs: Sequence[Inference], triggers_s: Sequence[float], settings: Settings, profile: Profile
) -> tuple[_Array, _Array]:
    """Of each inference by the profile: processor time, and time to wait for a core meanwhile."""
    assert isinstance(settings.line.workers, int)
    workers = settings.line.workers
    measured = Measured.of(profile, workers)
    assert measured.processor is not None
    service, model = measured.service, measured.processor
    expected_s, waiting_s = [], []
    for run, pace in zip(runs, _paces([run.started_s for run in runs], triggers_s), strict=True):
        step = measured.paces.step(pace)
        busy = min(workers, round(run.company))
        lasts_s = fmean(service.table_s(service.crowds[busy], run.batch, step))
        expected_s.append(model.on_core[step] * lasts_s / service.shares[busy])
        waiting_s.append(model.waiting[step] * expected_s[-1])
    return np.array(expected_s), np.array(waiting_s)


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
