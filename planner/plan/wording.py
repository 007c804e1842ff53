"""A plan's answers and assumptions as sentences, the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from line.observe.percent import percent
from planner.plan.answer import Fastest, Fewest, Target
from planner.plan.grid import Cell
from planner.plan.run import Estimate, Plan, Result, split
from planner.profile import Profile

NAMES = {"in_time": "in time", "recovery": "recovery"}
_BUSY = 0.1
"""Cores beside the measurement, as a share of the machine's, from which on it is in doubt."""


def interval(estimate: Estimate) -> str:
    """Mean and half width of a share: `98.2 ± 0.3 %`."""
    return f"{100 * estimate.mean:.1f} ± {100 * estimate.half:.1f} %"


def workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"


def wanted(target: Target) -> str:
    """`in time ≥ 99.0 %, recovery ≥ 90.0 %`."""
    return ", ".join(f"{NAMES[name]} ≥ {percent(share)}" for name, share in target.least.items())


def reached(result: Result, target: Target) -> str:
    text = ", ".join(f"{NAMES[name]} {interval(result.measures[name])}" for name in target.least)
    return f"{text}, but the line died" if result.deaths else text


def fewest(answer: Fewest, target: Target) -> str:
    """Such as `2 m/s needs 2 workers: in time 99.9 ± 0.1 %, 0.9 points to spare; 1 worker: …`."""
    speed = f"{answer.speed_m_per_s:g} m/s"
    if answer.enough is None:
        assert answer.one_step_fewer is not None
        most = answer.one_step_fewer
        if _is_undecided(most, target):
            return f"{speed}, {workers(most.cell.workers)}: {_undecided(most, target)}"
        count = most.cell.workers
        verb = "is" if count == 1 else "are"
        return f"{speed}: {workers(count)} {verb} not enough: {reached(most, target)}"
    text = (
        f"{speed} needs {workers(answer.enough.cell.workers)}: {reached(answer.enough, target)}, "
        f"{_points(target, answer.enough)} to spare"
    )
    if answer.one_step_fewer is None:
        return f"{text}; fewer were not asked for"
    fewer = answer.one_step_fewer
    return f"{text}; {workers(fewer.cell.workers)}: {reached(fewer, target)}"


def fastest(answer: Fastest, target: Target) -> str:
    """Such as `2 workers keep up with 3 m/s (…): …; 4 m/s: …`."""
    count = f"{workers(answer.workers)} keep{'s' if answer.workers == 1 else ''} up with"
    if answer.enough is None:
        assert answer.one_step_faster is not None
        slowest = answer.one_step_faster
        if _is_undecided(slowest, target):
            place = f"{workers(answer.workers)}, {_belt(slowest.cell)}"
            return f"{place}: {_undecided(slowest, target)}"
        return f"{count} none of them; {_belt(slowest.cell)}: {reached(slowest, target)}"
    text = (
        f"{count} {_belt(answer.enough.cell)}: {reached(answer.enough, target)}, "
        f"{_points(target, answer.enough)} to spare"
    )
    if answer.one_step_faster is None:
        return f"{text}; faster ones were not asked for"
    faster = answer.one_step_faster
    return f"{text}; {faster.cell.belt_speed_m_per_s:g} m/s: {reached(faster, target)}"


def group(cell: Cell, names: Sequence[str]) -> str:
    """What the cells of a group share; `names` are of the plan's profiles."""
    rate = cell.given_items_per_min
    feed = "items keep their distance" if rate is None else f"{rate:g} items/min a lane"
    return (
        f"{names[cell.profile]} · {cell.cameras} camera{'' if cell.cameras == 1 else 's'} · "
        f"{feed} · threshold {cell.threshold:g} · {cell.camera_to_ejector_m:g} m to the ejector"
    )


def assumptions(plan: Plan, cells: Sequence[Cell], core_each: bool) -> list[str]:
    """What the figures rest on, one sentence each."""
    found = [
        "Virtual time: the ledger, the belt and the policies are the line's own; durations and "
        "answers are drawn from what was measured.",
        f"Each figure is the mean of {plan.seeds} runs with different seeds, each of "
        f"{plan.settings.line.duration_s:g} s of belt; ± is the 95 % confidence interval.",
    ]
    found += _of_clock(plan.settings.line.speed)
    for profile in plan.profiles:
        found += _of_machine(profile, core_each, max(cell.workers for cell in cells))
    lines = max(split(cell)[0] for cell in cells)
    if lines > 1:
        found.append(
            f"Up to {lines} lines stand side by side, each with a dispatcher, sinks and a machine "
            "of its own; no worker helps another line."
        )
    if any(cell.cameras > 1 for cell in cells):
        found.append("Every camera makes its pictures on a core of its own.")
    if plan.failures is not None:
        found.append(
            f"Every worker fails after {plan.failures.between_s:g} s of service and is repaired "
            f"after {plan.failures.repair_s:g} s, both exponential means."
        )
    return found


def _of_clock(speed: float | str) -> list[str]:
    if speed == 1.0:
        return []
    if isinstance(speed, str):
        return [f"line.speed is {speed}, which has no deadlines; planned at clock 1."]
    return [f"line.speed is {speed:g}: belts run and items come so many times as fast as named."]


def _of_machine(profile: Profile, core_each: bool, most_workers: int) -> list[str]:
    machine = profile.machine
    name = Path(profile.model_path).name
    where = f"{machine.cpu}, {machine.cores} cores"
    found = [f"{name}, measured on {where}, with pictures of {profile.source}."]
    if core_each:
        found = [
            f"{name}: an inference takes as long as measured with one busy worker, because every "
            "worker has a core of its own, and the rest of the line those that it needs. "
            f"Measured on {where.removesuffix(f', {machine.cores} cores')}."
        ]
    elif most_workers > machine.cores:
        found.append(
            f"More than {machine.cores} workers share the {machine.cores} cores that were measured."
        )
    if machine.beside is not None and machine.beside > _BUSY * machine.cores:
        found.append(
            f"In doubt: other programs took {machine.beside:.1f} of {machine.cores} cores while "
            f"{name} was measured, so that it is faster than this."
        )
    return found


def alone(share: float, target: Target) -> str:
    """What the model itself allows."""
    text = f"The model alone, nothing lost to time, recovers {percent(share)}"
    if share < target.least.get("recovery", 0.0):
        return f"{text}: less than the target, whatever the number of workers."
    return f"{text}."


def deaths(group: Sequence[Result], plan: Plan) -> list[str]:
    """A sentence for each combination of a group whose line died."""
    return [
        f"{workers(result.cell.workers)}, {_belt(result.cell)}: the line died in "
        f"{len(result.deaths)} of {plan.seeds} runs ({result.deaths[0]}). It does not meet the "
        "target; figures of these runs are of the time until then."
        for result in group
        if result.deaths
    ]


def _is_undecided(result: Result, target: Target) -> bool:
    return not result.deaths and target.margin(result) >= 0


def _undecided(result: Result, target: Target) -> str:
    return f"undecided, {reached(result, target)}; more --seeds or a longer --duration tell"


def _belt(cell: Cell) -> str:
    return f"{cell.belt_speed_m_per_s:g} m/s ({cell.items_per_min:g} items/min)"


def _points(target: Target, result: Result) -> str:
    return f"{100 * target.margin(result):.1f} points"
