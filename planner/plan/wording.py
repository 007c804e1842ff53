"""A plan's answers and assumptions as sentences, the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from line.observe.percent import percent
from planner.plan.answer import Fastest, Fewest
from planner.plan.capacity import Limit
from planner.plan.estimate import Estimate
from planner.plan.grid import Cell
from planner.plan.run import Plan, Result, split
from planner.plan.target import Prospect, Target, prospect
from planner.profile import Profile

NAMES = {"in_time": "in time", "recovery": "recovery"}
_BUSY = 0.1
"""Cores beside the measurement, as a share of the machine's, from which on it is in doubt."""
_NAMED = 3
"""Kinds of process, those that use most."""
_HELP = {
    Limit.CAMERA: "a slower belt, a faster camera or a quieter machine",
    Limit.WORKERS: "a slower belt, a worker more or a quieter machine",
    Limit.CORES: "a slower belt, more cores or a quieter machine",
}
"""What decides a case that is open."""


def interval(estimate: Estimate) -> str:
    """Between what 90 % of runs lie, of a share: `97.9 to 98.5 %`."""
    return f"{bounds(estimate)} %"


def bounds(estimate: Estimate) -> str:
    """The same without its unit; one number where both bounds read the same."""
    return _range(*(percent(share).removesuffix(" %") for share in (estimate.low, estimate.high)))


def durations(estimate: Estimate) -> str:
    """Between what 90 % of runs lie, of a duration in ms: `11.2 to 12.8`."""
    return _range(f"{estimate.low:.1f}", f"{estimate.high:.1f}")


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"


def wanted(target: Target) -> str:
    """`in time ≥ 99.0 %, recovery ≥ 90.0 %`."""
    return ", ".join(f"{NAMES[name]} ≥ {percent(share)}" for name, share in target.least.items())


def reached(result: Result, target: Target) -> str:
    """Such as `in time 98.0 to 100.0 %, target met in 17 of 19 draws`."""
    shares = ", ".join(f"{NAMES[name]} {interval(result.measures[name])}" for name in target.least)
    met = round(result.chance * result.draws)
    text = f"{shares}, target met in {met} of {result.draws} draws"
    return f"{text}, the line died in {len(result.deaths)}" if result.deaths else text


def fewest(answer: Fewest, target: Target) -> str:
    """Such as `2 m/s needs 2 workers: capacity 150 ± 12 items/s, …; 1 worker: load …`."""
    speed = f"{answer.speed_m_per_s:g} m/s"
    fewer = answer.one_step_fewer
    if answer.enough is None:
        assert fewer is not None
        count = fewer.cell.workers
        if prospect(fewer.chance) is Prospect.OPEN:
            return f"{speed}, {workers(count)}: {_open(fewer, target)}"
        verb = "is" if count == 1 else "are"
        return f"{speed}: {workers(count)} {verb} not enough: {_all_of(fewer, target)}"
    text = f"{speed} needs {workers(answer.enough.cell.workers)}: {_all_of(answer.enough, target)}"
    if fewer is None:
        return f"{text}; fewer were not asked for"
    return f"{text}; {workers(fewer.cell.workers)}: {_beside(fewer, target)}"


def fastest(answer: Fastest, target: Target) -> str:
    """Such as `2 workers keep up with 3 m/s (…): …; 4 m/s: …`."""
    count = f"{workers(answer.workers)} keep{'s' if answer.workers == 1 else ''} up with"
    faster = answer.one_step_faster
    if answer.enough is None:
        assert faster is not None
        if prospect(faster.chance) is Prospect.OPEN:
            return f"{workers(answer.workers)}, {_belt(faster.cell)}: {_open(faster, target)}"
        return f"{count} none of them; {_belt(faster.cell)}: {_all_of(faster, target)}"
    text = f"{count} {_belt(answer.enough.cell)}: {_all_of(answer.enough, target)}"
    if faster is None:
        return f"{text}; faster ones were not asked for"
    return f"{text}; {faster.cell.belt_speed_m_per_s:g} m/s: {_beside(faster, target)}"


def capacity(result: Result) -> str:
    """Such as `capacity 150 ± 12 items/s, limited by the workers, load 80 %`.

    Behind the limit stands who uses the cores then, where that is known.
    """
    can = result.capacity
    most = [f"{kind} {cores:.2f}" for kind, cores in list(can.cores.items())[:_NAMED]]
    users = f" ({', '.join(most)} of a core)" if most else ""
    return (
        f"capacity {can.items_per_s:.0f} ± {can.half:.0f} items/s, limited by {can.limit}{users}, "
        f"load {100 * result.load:.0f} %"
    )


def _all_of(result: Result, target: Target) -> str:
    return f"{capacity(result)}; {reached(result, target)}"


def _beside(result: Result, target: Target) -> str:
    """What one step less, or more, would reach."""
    text = f"load {100 * result.load:.0f} %, {reached(result, target)}"
    return f"cannot tell, {text}" if prospect(result.chance) is Prospect.OPEN else text


def _open(result: Result, target: Target) -> str:
    decides = _HELP[result.capacity.limit]
    return f"cannot tell, {_all_of(result, target)}; {decides} decides it"


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
        f"A draw is a run of {plan.settings.line.duration_s:g} s of belt: items of its own, a "
        "machine as unsteady as when it was measured, and a line that is faster or slower than the "
        f"simulated one by {100 * plan.twin_error.speed:.0f} %, its latencies by "
        f"{100 * plan.twin_error.latency:.0f} % more (one standard deviation). Ranges hold 90 % of "
        "runs.",
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
    return [*found, *(f"In doubt: {doubt}." for doubt in plan.doubts)]


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


def deaths(group: Sequence[Result]) -> list[str]:
    """A sentence for each combination of a group whose line died."""
    return [
        f"{workers(result.cell.workers)}, {_belt(result.cell)}: the line died in "
        f"{len(result.deaths)} of {result.draws} draws ({result.deaths[0]}). These "
        "do not meet the target; their figures are of the time until then."
        for result in group
        if result.deaths
    ]


def _belt(cell: Cell) -> str:
    return f"{cell.belt_speed_m_per_s:g} m/s ({cell.items_per_min:g} items/min)"
