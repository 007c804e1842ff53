"""What a plan answers: the fewest workers for a belt, the fastest belt for the workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean

from planner.plan.grid import Cell
from planner.plan.run import Result
from planner.plan.target import Prospect, prospect
from planner.profile import Profile

Group = tuple[float | None, ...]


def is_met(result: Result) -> bool:
    """The target will most probably be met."""
    return prospect(result.chance) is Prospect.MET


@dataclass(frozen=True, slots=True)
class Fewest:
    """For one belt: the fewest workers of those asked for that meet the target."""

    speed_m_per_s: float
    enough: Result | None
    """None: none of them does"""
    one_step_fewer: Result | None
    """the next smaller number that was asked for; without `enough`, the largest"""


@dataclass(frozen=True, slots=True)
class Fastest:
    """For a number of workers: the fastest belt up to which every one meets the target."""

    workers: int
    enough: Result | None
    one_step_faster: Result | None


def groups(results: Iterable[Result]) -> dict[Group, list[Result]]:
    """Results that differ in belt speed and workers alone, together."""
    found: defaultdict[Group, list[Result]] = defaultdict(list)
    for result in results:
        found[result.cell.group].append(result)
    return dict(found)


def fewest_workers(group: Sequence[Result]) -> list[Fewest]:
    """For each belt speed, slowest first."""
    by_speed: defaultdict[float, list[Result]] = defaultdict(list)
    for result in group:
        by_speed[result.cell.belt_speed_m_per_s].append(result)
    answers = []
    for speed, results in sorted(by_speed.items()):
        results.sort(key=lambda result: result.cell.workers)
        failing = list(takewhile(lambda result: not is_met(result), results))
        enough = results[len(failing)] if len(failing) < len(results) else None
        answers.append(Fewest(speed, enough, failing[-1] if failing else None))
    return answers


def fastest_belts(group: Sequence[Result]) -> list[Fastest]:
    """For each number of workers, fewest first."""
    by_workers: defaultdict[int, list[Result]] = defaultdict(list)
    for result in group:
        by_workers[result.cell.workers].append(result)
    answers = []
    for workers, results in sorted(by_workers.items()):
        results.sort(key=lambda result: result.cell.belt_speed_m_per_s)
        meeting = list(takewhile(is_met, results))
        beyond = results[len(meeting)] if len(meeting) < len(results) else None
        answers.append(Fastest(workers, meeting[-1] if meeting else None, beyond))
    return answers


def named_cells(results: Iterable[Result]) -> Collection[Cell]:
    """The combinations that the answers of all groups speak of."""
    found: set[Cell] = set()
    for group in groups(results).values():
        for few in fewest_workers(group):
            found |= {each.cell for each in (few.enough, few.one_step_fewer) if each is not None}
        for fast in fastest_belts(group):
            found |= {each.cell for each in (fast.enough, fast.one_step_faster) if each is not None}
    return found


def model_alone(
    fed: Mapping[str, float], profile: Profile, threshold: float, promised: Mapping[str, float]
) -> float:
    """Recovery of a line that loses nothing to time: the model's own errors and doubts remain.

    `fed`: how much of each class, in any unit; the profile has answers to each. `promised`: class →
    a threshold of its own.
    """
    right = {
        name: fmean(
            answer.top3[0][0] == name and answer.confidence >= promised.get(name, threshold)
            for answer in profile.answers[name]
        )
        for name in fed
    }
    return sum(fed[name] * right[name] for name in fed) / sum(fed.values())


def with_a_core_each(profile: Profile) -> Profile:
    """The machine it would take for every worker to work as one alone does."""
    alone = tuple(e for e in profile.service if e.busy == 1 and e.workers in (None, 1))
    machine = profile.machine.model_copy(update={"cores": 10**6})
    crowding = tuple(each for each in profile.crowding if each.workers == 1)
    processor = tuple(each for each in profile.processor if each.workers == 1)
    changes = {
        "service": alone,
        "crowding": crowding,
        "processor": processor,
        "machine": machine,
    }
    return profile.model_copy(update=changes)
