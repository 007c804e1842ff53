"""Belts that nobody has measured, what was foretold of each, and what the line did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from planner.plan.capacity import Capacity
from planner.plan.estimate import LEVEL
from planner.plan.grid import Cell
from planner.plan.run import Result
from planner.plan.target import Prospect, prospect

TARGET = 0.99
"""Share in time."""
FORETOLD = ("in_time", "latency_p95_ms", "throughput_per_s")
_SAME = 0.1
"""Of the profile's inference: a machine that is further from it is another one."""
_NEAR = (0.85, 1.15)
"""Loads, in capacities, at which nobody can tell."""
_PROCESSES = ("regular", "poisson", "bursts")


@dataclass(frozen=True, slots=True)
class Belt:
    """One belt that nobody has measured. `load`: of the capacity, while items are fed."""

    process: str
    load: float
    speed_m_per_s: float
    camera_to_ejector_m: float
    actuator_ms: float
    workers: int

    @classmethod
    def drawn(cls, chance: np.random.Generator) -> Belt:
        """The next one of a seed."""
        return cls(
            process=_PROCESSES[chance.integers(len(_PROCESSES))],
            load=round(0.2 * 10 ** chance.random(), 2),
            speed_m_per_s=round(chance.uniform(0.5, 2.0), 2),
            camera_to_ejector_m=round(chance.uniform(0.4, 1.2), 2),
            actuator_ms=round(chance.uniform(10, 80)),
            workers=int(chance.integers(1, 4)),
        )

    def assignments(self, seconds: float) -> list[str]:
        """As settings, for a run of so much belt; the workers and the items are `cell`'s."""
        return [
            f"infeed.process={self.process}",
            f"belt.speed_m_per_s={self.speed_m_per_s}",
            f"belt.camera_to_ejector_m={self.camera_to_ejector_m}",
            f"belt.actuator_ms={self.actuator_ms}",
            f"line.duration_s={seconds}",
        ]

    def items_per_min(self, can: Capacity) -> float:
        """While items are fed."""
        return round(60 * self.load * can.items_per_s, 1)

    def cell(self, items_per_min: float, threshold: float) -> Cell:
        """As the planner knows it."""
        return Cell(
            profile=0,
            cameras=1,
            threshold=threshold,
            camera_to_ejector_m=self.camera_to_ejector_m,
            given_items_per_min=items_per_min,
            items_per_min=items_per_min,
            belt_speed_m_per_s=self.speed_m_per_s,
            workers=self.workers,
        )

    @property
    def text(self) -> str:
        """Its cells of the table."""
        return (
            f"{self.process} | {self.speed_m_per_s:g} | {self.camera_to_ejector_m:g} | "
            f"{self.workers} | {100 * self.load:.0f} %"
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What was foretold of a belt, and what the line did."""

    belt: Belt
    told: Result
    found: dict[str, float]
    machine: float = 1.0
    """times that a bare inference took as long as in the profile, before the run and after it"""

    def holds(self, name: str) -> bool:
        """As the figures are written."""
        told = self.told.measures[name]
        low, found, high = (rounded(name, v) for v in (told.low, self.found[name], told.high))
        return low <= found <= high

    @property
    def prospect(self) -> Prospect:
        return prospect(self.told.chance)

    @property
    def was_met(self) -> bool:
        return self.found["in_time"] >= TARGET

    @property
    def markdown(self) -> str:
        """A row of the table."""
        marks = [
            f"{_shown(name, self.told.measures[name].low)} to "
            f"{_shown(name, self.told.measures[name].high)}: "
            f"{'' if self.holds(name) else '**'}{_shown(name, self.found[name])}"
            f"{'' if self.holds(name) else '**'}"
            for name in FORETOLD
        ]
        return f"| {self.belt.text} | {' | '.join(marks)} | {self.prospect} | {self.machine:.2f} |"


def drawn_belts(seed: int, count: int) -> Iterator[Belt]:
    chance = np.random.default_rng(seed)
    for _ in range(count):
        yield Belt.drawn(chance)


def findings(found: Sequence[Forecast], inference_s: float) -> list[str]:
    """How many hold, how wide the ranges are, what the answers were worth.

    `inference_s`: of a bare inference, for the rule of thumb.
    """
    same = [each for each in found if abs(each.machine - 1) <= _SAME]
    names = {"in_time": "in time", "latency_p95_ms": "p95", "throughput_per_s": "answers a second"}
    lines = [
        f"- {names[name]} within its range: {_held(found, name)}; where the machine was as in the "
        f"profile, within {_SAME:.0%}: {_held(same, name)}"
        for name in FORETOLD
    ]
    widths = [
        each.told.measures["in_time"].high - each.told.measures["in_time"].low
        for each in found
        if not each.was_met
    ]
    if widths:
        lines.append(
            f"- in time, where the line was below {100 * TARGET:g} %: range of "
            f"{100 * median(widths):.1f} points (median)"
        )
    full = [each for each in found if each.belt.process == "regular" and each.belt.load > _NEAR[1]]
    if full:
        apart = [
            each.found["throughput_per_s"] / each.told.capacity.items_per_s - 1 for each in full
        ]
        lines.append(
            f"- answers a second beside the capacity, where more came, in regular distance: "
            f"{100 * min(apart):+.0f} to {100 * max(apart):+.0f} %"
        )
    scores = [
        mean(_score(*ends(each), each.found["in_time"]) for each in found)
        for ends in (_range, lambda each: _rule_of_thumb(each, inference_s))
    ]
    lines.append(
        f"- interval score of in time, less is better: {scores[0]:.2f}; of the rule that "
        f"workers ÷ inference is what can be done: {scores[1]:.2f}"
    )
    clear = [each for each in found if not _NEAR[0] <= each.belt.load <= _NEAR[1]]
    unsure = sum(each.prospect is Prospect.OPEN for each in clear)
    lines.append(f"- cannot tell, away from the capacity: {unsure} of {len(clear)}")
    for said, met, what in ((Prospect.MET, True, "met"), (Prospect.MISSED, False, "missed")):
        those = [each for each in found if each.prospect is said]
        right = sum(each.was_met is met for each in those)
        lines.append(f"- foretold that the target is {what}: {len(those)}, so it was in {right}")
    return lines


def _held(found: Sequence[Forecast], name: str) -> str:
    return f"{sum(each.holds(name) for each in found)} of {len(found)}"


def _range(forecast: Forecast) -> tuple[float, float]:
    told = forecast.told.measures["in_time"]
    return told.low, told.high


def _rule_of_thumb(forecast: Forecast, inference_s: float) -> tuple[float, float]:
    """All in time as long as the workers are fast enough, else what they can do."""
    belt, told = forecast.belt, forecast.told
    comes_per_s = belt.load * told.capacity.items_per_s
    share = min(1.0, belt.workers / inference_s / comes_per_s)
    return share, share


def _score(low: float, high: float, found: float) -> float:
    """Of a range that is to hold with 90 % probability (Gneiting and Raftery 2007), in shares."""
    return high - low + 2 / (1 - LEVEL) * max(low - found, 0.0, found - high)


def rounded(name: str, value: float) -> float:
    return round(100 * value if name == "in_time" else value, 1)


def _shown(name: str, value: float) -> str:
    return f"{rounded(name, value):.1f}"
