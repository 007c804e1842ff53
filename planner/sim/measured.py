"""What the twin makes of a profile before it runs; many virtual runs share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from planner.profile import Profile
from planner.sim.answers import Answers
from planner.sim.inference import ServiceTimes
from planner.sim.latency_samples import LatencySampleTable
from planner.sim.paces import Paces
from planner.sim.processor import ProcessorModel


@dataclass(frozen=True, slots=True)
class Measured:
    """For a pool of one size. What is looked up in it is kept; nothing else of a run changes it."""

    paces: Paces
    samples: LatencySampleTable
    service: ServiceTimes
    answers: Answers
    processor: ProcessorModel | None
    """None: the profile has no processor times"""

    @classmethod
    def of(cls, profile: Profile, workers: int) -> Self:
        """`workers`: in the pool. Without the profile's slowness, which differs between draws."""
        paces = Paces(profile)
        return cls(
            paces,
            LatencySampleTable(profile, paces, workers),
            ServiceTimes(profile, paces, workers),
            Answers(profile),
            ProcessorModel(profile, paces, workers) if profile.processor else None,
        )
