"""Runs the combinations of a plan in virtual time, many at once, each as often as it needs.

A draw is one virtual run: with items of its own, a stretch of the machine's slowness of its own,
and a twin that is as much in error as twins are. The draws with one number meet the same chance in
all combinations. Every combination has a few draws. More have those that differ among them, and
those that the answers name, unless they are clear: far from their capacity and from the target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from multiprocessing import get_context
from typing import Any, Protocol

from line.errors import BadInput
from line.outcome import Verdict
from line.settings import Settings
from planner.cells import simulate_cells
from planner.plan.capacity import Capacity, capacity
from planner.plan.estimate import Estimate, estimate
from planner.plan.grid import Cell, paced
from planner.plan.target import Target, is_settled
from planner.plan.twin_error import TwinError
from planner.profile import Profile
from planner.sim.line_figures import Figures
from planner.sim.measured import Measured
from planner.sim.supervisor import Failures
from producers.randomness import Purpose, stream

MOST_CAMERAS, MOST_WORKERS = 64, 256
"""Of one line; more of them are a site of several lines side by side."""
SITE_CAMERAS, SITE_WORKERS = 16, 64
"""Of each line of a site, at most."""
FIRST_DRAWS, NEXT_DRAWS, FURTHER_DRAWS = 5, 19, 20
"""Of every combination; of those that are to be looked at more closely; and so many more at a time
while more could change what is said of the target. 19, 39, 59 … hit the ranges' 90 % exactly."""
_PARTS = 4
"""Of a window by slack: in work, at hand, and rows under way."""
_POOLS_KEPT = 4
"""Of each process: what is looked up for a pool takes up to some tens of MB."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What does not vary. `draws`: of a combination that stays open, at most."""

    settings: Settings
    profiles: tuple[Profile, ...]
    target: Target
    draws: int
    failures: Failures | None
    doubts: tuple[str, ...] = ()
    """why the profiles do not hold now, as far as that is known"""
    twin_error: TwinError = field(default_factory=TwinError)


Measures = Mapping[str, Estimate]
"""By the names in `MEASURES`."""
Named = Callable[[Sequence["Result"]], Collection[Cell]]
"""Of all results so far: the combinations that the answers name."""


class OpenPool(Protocol):
    """Makes a pool, each of whose processes calls `initializer` with `initargs` first."""

    def __call__(
        self, *, initializer: Callable[..., None], initargs: tuple[Any, ...]
    ) -> Executor: ...


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
MOST = dict.fromkeys(("in_time", "recovery", "busy", "late", "expired", "dropped"), 1.0)
"""What none of them can exceed."""
_LATENCIES = ("latency_p50_ms", "latency_p95_ms")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one combination, and what it can do at most."""

    cell: Cell
    measures: Measures
    chance: float
    """share of the draws that met the target; a line that died did not, whatever it did before"""
    draws: int
    items: int
    """of all draws"""
    capacity: Capacity
    deaths: tuple[str, ...] = ()
    """what the line died of, for each draw in which it did"""

    @property
    def load(self) -> float:
        """Items that come ÷ items that can be answered."""
        return self.capacity.load(self._items_per_s)

    def is_clear(self, target: Target) -> bool:
        """All draws agree on it, no range contains it, and the belt is far from its capacity.

        A recovery that is near its target is so far from the capacity, too.
        """
        is_near = any(
            self.measures[name].low < share <= self.measures[name].high
            for name, share in target.least.items()
        )
        is_far = self.capacity.is_far_from(self._items_per_s)
        return self.chance in (0.0, 1.0) and is_far and not is_near

    @property
    def _items_per_s(self) -> float:
        return self.cell.cameras * self.cell.items_per_min / 60


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one draw of one combination."""

    measures: Mapping[str, float]
    """by the names in `MEASURES`; of the time until its end, or its death"""
    items: int
    death: str | None
    """what the line died of"""


def run_plan(
    plan: Plan,
    cells: Sequence[Cell],
    jobs: int,
    done: Callable[[int, int], None],
    named: Named,
    open_pool: OpenPool | None = None,
) -> list[Result]:
    """Every cell, in `jobs` processes; `done` hears how many draws of how many are finished.

    `open_pool`: in other processes than those, wherever they are. The results are the same.

    Raises:
        BadInput: before anything runs, naming a combination that no line can have.
    """
    for cell in cells:
        split(cell)
        cell.settings(plan.settings, 1, 1)
    open_pool = open_pool or partial(ProcessPoolExecutor, jobs, get_context("spawn"))
    with open_pool(initializer=_take_plan, initargs=(plan,)) as pool:
        draws = _Draws(plan, cells, pool, done)
        wanted = [min(FIRST_DRAWS, plan.draws)] * len(cells)
        while True:
            draws.take(wanted)
            results = draws.results()
            shown = named(results)
            wanted = [_wanted(plan, each, each.cell in shown) for each in results]
            if all(each.draws >= count for each, count in zip(results, wanted, strict=True)):
                return results


def _wanted(plan: Plan, result: Result, is_shown: bool) -> int:
    """Draws that the combination is to have, by those it has had."""
    is_open = 0.0 < result.chance < 1.0
    if result.draws < NEXT_DRAWS:
        # Where workers fail the capacity does not tell.
        is_clear = plan.failures is None and result.is_clear(plan.target)
        wants_more = is_open or (is_shown and not is_clear)
        return min(NEXT_DRAWS, plan.draws) if wants_more else result.draws
    if not is_open or is_settled(result.chance, result.draws):
        return result.draws
    return min(result.draws + FURTHER_DRAWS, plan.draws)


class _Draws:
    """Draws of the cells of a plan, in a pool of processes."""

    def __init__(
        self, plan: Plan, cells: Sequence[Cell], pool: Executor, done: Callable[[int, int], None]
    ) -> None:
        self._plan, self._cells, self._pool, self._done = plan, cells, pool, done
        self._runs: list[list[Run]] = [[] for _ in cells]
        self._wanted = self._finished = 0
        self._capacity = cache(self._capacity_of)

    def take(self, wanted: Sequence[int]) -> None:
        """So many draws of each cell in all, where there are fewer."""
        futures = {
            self._pool.submit(_run_here, self._cells[number], draw): (draw, number)
            for number, count in enumerate(wanted)
            for draw in range(len(self._runs[number]), count)
        }
        self._wanted += len(futures)
        found: dict[tuple[int, int], Run] = {}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                self._finished += 1
                self._done(self._finished, self._wanted)
        except BaseException:
            self._pool.shutdown(cancel_futures=True)
            raise
        for (_, number), run in sorted(found.items()):
            self._runs[number].append(run)

    def results(self) -> list[Result]:
        """Of all cells, as far as they have been drawn."""
        return [self._result(*both) for both in zip(self._cells, self._runs, strict=True)]

    def _result(self, cell: Cell, runs: Sequence[Run]) -> Result:
        target = self._plan.target
        met = sum(run.death is None and target.is_met(run.measures) for run in runs)
        return Result(
            cell,
            {
                name: estimate([run.measures[name] for run in runs], MOST.get(name, math.inf))
                for name in MEASURES
            },
            chance=met / len(runs),
            draws=len(runs),
            items=sum(run.items for run in runs),
            capacity=self._capacity(cell.profile, *split(cell)),
            deaths=tuple(sorted(run.death for run in runs if run.death is not None)),
        )

    def _capacity_of(self, profile: int, lines: int, cameras: int, workers: int) -> Capacity:
        plan = self._plan
        speed = {"speed": paced(plan.settings.line.speed)}
        settings = plan.settings.replaced({"line": speed})
        window = cameras * settings.camera.window_frames
        of_one_line = capacity(
            plan.profiles[profile],
            cameras,
            workers,
            settings.worker_credit,
            plan.twin_error,
            waiting=window // (_PARTS * workers) if settings.by_slack else 0,
        )
        return of_one_line.of_site(lines)


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
    return run_once(_plan, cell, number, _measured(cell.profile, split(cell)[2]))


@lru_cache(_POOLS_KEPT)
def _measured(profile: int, workers: int) -> Measured:
    """Of this process's plan."""
    assert _plan is not None
    return Measured.of(_plan.profiles[profile], workers)


def run_once(plan: Plan, cell: Cell, number: int, measured: Measured | None = None) -> Run:
    """The draw `number` of one cell. `measured`: of its profile and workers, if it is there.

    The machine is faster or slower than the profile's by a factor that the number decides, and so
    are latencies besides: see `TwinError`.
    """
    lines, cameras, workers = split(cell)
    settings = cell.settings(plan.settings, cameras, workers)
    seed = settings.line.seed + number
    speed, latency = stream(seed, 0, 0, Purpose.TWIN_ERROR).standard_normal(2)
    line = settings.line.model_copy(update={"seed": seed})
    figures = simulate_cells(
        settings.model_copy(update={"line": line}),
        plan.profiles[cell.profile].slower(math.exp(plan.twin_error.speed * speed)),
        lines,
        failures=plan.failures,
        measured=measured,
    )
    measures = {name: take(figures) or 0.0 for name, take in MEASURES.items()}
    for name in _LATENCIES:
        measures[name] *= math.exp(plan.twin_error.latency * latency)
    return Run(measures, figures.fed, None if figures.died is None else str(figures.died))


def _share(figures: Figures, verdict: Verdict) -> float | None:
    return figures.verdicts[verdict] / figures.fed if figures.fed else None
