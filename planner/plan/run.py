"""Runs the combinations of a plan in virtual time, many at once, each with several seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import fmean, stdev

from line.errors import BadInput
from line.outcome import Verdict
from line.settings import Settings
from planner.cells import simulate_cells
from planner.plan.grid import Cell
from planner.profile import Profile
from planner.sim.line_figures import Figures
from planner.sim.supervisor import Failures

MOST_CAMERAS, MOST_WORKERS = 64, 256
"""Of one line; more of them are a site of several lines side by side."""
SITE_CAMERAS, SITE_WORKERS = 16, 64
"""Of each line of a site, at most."""

_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16)
"""Student's t for 95 %, two-sided, by degrees of freedom from 1."""
_NORMAL95 = 1.959964


@dataclass(frozen=True, slots=True)
class Plan:
    """What does not vary."""

    settings: Settings
    profiles: tuple[Profile, ...]
    seeds: int
    failures: Failures | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over the seeds, and half the width of its 95 % confidence interval."""

    mean: float
    half: float

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


Measures = Mapping[str, Estimate]
"""By the names in `MEASURES`."""

MEASURES: dict[str, Callable[[Figures], float | None]] = {
    "in_time": lambda figures: figures.in_time_rate,
    "recovery": lambda figures: figures.recovery(),
    "throughput_per_s": lambda figures: figures.throughput_fps,
    "latency_p50_ms": lambda figures: figures.latency_ms.quantile_ms(0.5),
    "latency_p95_ms": lambda figures: figures.latency_ms.quantile_ms(0.95),
    "busy": lambda figures: figures.utilisation,
    "late": lambda figures: _share(figures, Verdict.LATE),
    "expired": lambda figures: _share(figures, Verdict.EXPIRED),
    "dropped": lambda figures: _share(figures, Verdict.DROPPED),
}
"""Shares are of the items fed, in 0 … 1."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one combination."""

    cell: Cell
    measures: Measures
    items: int
    """over all seeds"""
    deaths: tuple[str, ...] = ()
    """what the line died of, for each run in which it did"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one combination with one seed."""

    measures: Mapping[str, float]
    """by the names in `MEASURES`; of the time until its end, or its death"""
    items: int
    death: str | None
    """what the line died of"""


def run_plan(
    plan: Plan, cells: Sequence[Cell], jobs: int, done: Callable[[int], None]
) -> list[Result]:
    """Every cell with every seed, in `jobs` processes; `done` hears how many runs are finished.

    Raises:
        BadInput: before anything runs, naming a combination that no line can have.
    """
    for cell in cells:
        split(cell)
        cell.settings(plan.settings, 1, 1)
    runs: defaultdict[int, list[Run]] = defaultdict(list)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _take_plan, (plan,)) as pool:
        futures = {
            pool.submit(_run_here, cell, seed): number
            for number, cell in enumerate(cells)
            for seed in range(plan.seeds)
        }
        try:
            for finished, future in enumerate(as_completed(futures), 1):
                runs[futures[future]].append(future.result())
                done(finished)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [_result(cell, runs[number]) for number, cell in enumerate(cells)]


def _result(cell: Cell, runs: Sequence[Run]) -> Result:
    return Result(
        cell,
        {name: estimate([run.measures[name] for run in runs]) for name in MEASURES},
        sum(run.items for run in runs),
        tuple(sorted(run.death for run in runs if run.death is not None)),
    )


def split(cell: Cell) -> tuple[int, int, int]:
    """(lines side by side, cameras of each, workers of each).

    Raises:
        BadInput: they cannot be dealt evenly.
    """
    if cell.cameras <= MOST_CAMERAS and cell.workers <= MOST_WORKERS:
        return 1, cell.cameras, cell.workers
    least = max(math.ceil(cell.cameras / SITE_CAMERAS), math.ceil(cell.workers / SITE_WORKERS))
    for lines in range(least, min(cell.cameras, cell.workers) + 1):
        if cell.cameras % lines == 0 and cell.workers % lines == 0:
            return lines, cell.cameras // lines, cell.workers // lines
    raise BadInput(
        f"{cell.cameras} cameras and {cell.workers} workers cannot be dealt evenly to lines of at "
        f"most {SITE_CAMERAS} cameras and {SITE_WORKERS} workers"
    )


_plan: Plan | None = None
"""Of this process of the pool."""


def _take_plan(plan: Plan) -> None:
    global _plan
    _plan = plan


def _run_here(cell: Cell, number: int) -> Run:
    assert _plan is not None
    return run_once(_plan, cell, number)


def run_once(plan: Plan, cell: Cell, number: int) -> Run:
    """One cell with the plan's seed number `number`."""
    lines, cameras, workers = split(cell)
    settings = cell.settings(plan.settings, cameras, workers)
    line = settings.line.model_copy(update={"seed": settings.line.seed + number})
    figures = simulate_cells(
        settings.model_copy(update={"line": line}),
        plan.profiles[cell.profile],
        lines,
        failures=plan.failures,
    )
    measures = {name: take(figures) or 0.0 for name, take in MEASURES.items()}
    return Run(measures, figures.fed, None if figures.died is None else str(figures.died))


def estimate(values: Sequence[float]) -> Estimate:
    """Of independent runs; a single one has no interval."""
    freedom = len(values) - 1
    if freedom < 1:
        return Estimate(values[0], math.inf)
    return Estimate(fmean(values), _t95(freedom) * stdev(values) / math.sqrt(len(values)))


def _t95(freedom: int) -> float:
    """Beyond the table by the series in 1 ÷ freedom (Abramowitz and Stegun 26.7.5), to 0.0002."""
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    z, n = _NORMAL95, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def _share(figures: Figures, verdict: Verdict) -> float | None:
    return figures.verdicts[verdict] / figures.fed if figures.fed else None
