"""The machine of one run, from the trace that the run has kept: how slow it was, and when.

Two things make an inference longer than in the profile. The processor is slower, so it takes more
processor time: the workers' processor time ÷ what the profile says of the same inferences, in the
same company. And it waits while others have the cores: the host of a virtual machine, which takes
a core whatever runs there, and other programs, which are in the way the more the fuller the cores.
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
_LOOK_S = 0.4
"""Over which others' share is taken: the kernel counts in hundredths of a second."""
_LEAST_CORES = 0.1
"""Of those that there are, which nobody takes from the line."""
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
    at_s = np.array([moment.at_s for moment in moments])
    workers_s = np.array([moment.workers_s for moment in moments])
    expected_s = _until(at_s, runs, _expected_s(runs, triggers_s, settings, profile))
    speed = float((workers_s[-1] - workers_s[0]) / (expected_s[-1] - expected_s[0]))
    done = _until(at_s, runs, np.ones(len(runs)))
    steps_s = np.arange(0.0, at_s[-1], STEP_S)
    first, last = moments[0], moments[-1]
    span_s = last.at_s - first.at_s
    return RunMachine(
        speed=speed,
        slowness=RunSlowness(
            STEP_S,
            _steps(steps_s, _speeds(at_s, workers_s / speed, expected_s, done)),
            _steps(steps_s, _waits(moments, profile.machine.cores)),
        ),
        others=max(0.0, last.busy_s - first.busy_s - last.line_s + first.line_s) / span_s,
        steal=(last.steal_s - first.steal_s) / span_s,
    )


def _expected_s(
    runs: Sequence[Inference], triggers_s: Sequence[float], settings: Settings, profile: Profile
) -> _Array:
    """Processor time of each inference, by the profile."""
    assert isinstance(settings.line.workers, int)
    workers = settings.line.workers
    measured = Measured.of(profile, workers)
    assert measured.processor is not None
    service, on_core = measured.service, measured.processor.on_core
    expected_s = []
    for run, pace in zip(runs, _paces([run.started_s for run in runs], triggers_s), strict=True):
        step = measured.paces.step(pace)
        crowd = service.crowds[min(workers, round(run.company))]
        expected_s.append(on_core[step] * fmean(service.table_s(crowd, run.batch, step)))
    return np.array(expected_s)


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
    rates = worth / np.array([max(run.ended_s - run.started_s, 1e-6) for run in runs])
    began = np.array([run.started_s for run in runs])
    ended = began + worth / rates
    moments = np.concatenate([began, ended])
    order = np.argsort(moments, kind="stable")
    at_work = np.cumsum(np.concatenate([rates, -rates])[order])
    done = np.concatenate([[0.0], np.cumsum(at_work[:-1] * np.diff(moments[order]))])
    found: _Array = np.interp(at_s, moments[order], done)
    return found


def _speeds(
    at_s: _Array, workers_s: _Array, expected_s: _Array, done: _Array
) -> Iterator[tuple[float, float]]:
    """(end of a stretch, workers' processor time ÷ what was expected of it)."""
    first = 0
    for last in range(1, len(at_s)):
        if done[last] - done[first] >= _FEWEST:
            spent_s = workers_s[last] - workers_s[first]
            yield float(at_s[last]), float(spent_s / (expected_s[last] - expected_s[first]))
        elif at_s[last] - at_s[first] >= _LONGEST_S:
            yield float(at_s[last]), 1.0
        else:
            continue
        first = last


def _waits(moments: Sequence[MachineMoment], cores: int) -> Iterator[tuple[float, float]]:
    """(end of a stretch, times as long as with the cores to itself)."""
    first = moments[0]
    for last in moments[1:]:
        passed_s = last.at_s - first.at_s
        if passed_s >= _LOOK_S:
            busy, steal, line = (
                max(0.0, each) / passed_s
                for each in (
                    last.busy_s - first.busy_s,
                    last.steal_s - first.steal_s,
                    last.line_s - first.line_s,
                )
            )
            yield last.at_s, waits(cores, line, max(0.0, busy - line), steal)
            first = last


def waits(cores: int, line: float, others: float, steal: float) -> float:
    """Times as long as with the cores to itself, by cores that each of them used.

    What the host takes, it takes of what runs. Programs share: with all cores full the line has
    what the others leave; with room it is in their way as often as no other core is free, which
    independent cores would be with the probability utilisation ^ (cores − 1).
    """
    left = max(_LEAST_CORES * cores, cores - others - steal)
    full = min(1.0, (line + others + steal) / cores)
    by_others = 1.0 + others / left * full ** (cores - 1)
    by_host = 1.0 + steal / max(_LEAST_CORES, line + others)
    return by_others * by_host


def _steps(steps_s: _Array, stretches: Iterator[tuple[float, float]]) -> list[float]:
    """Of each step, that of the stretch in which it lies; of the last one behind all of them."""
    ends, factors = zip(*stretches, (inf, 1.0), strict=False)
    return [factors[place] for place in np.searchsorted(ends, steps_s, side="right")]
