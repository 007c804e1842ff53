"""What a line can do at most, and what keeps it from doing more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import fmean, pstdev

from line.dispatch.worker_leases import largest_batch
from line.run_files.machine_trace import CHILDREN
from planner.plan.twin_error import TwinError
from planner.profile import Profile
from planner.sim.inference import ServiceTimes
from planner.sim.paces import STEPS, Paces
from planner.sim.processor import CAMERA, MAKERS, WORKER, Passed, ProcessorModel

_NORMAL90 = 1.645
_FULL = 0.9
"""Of the cores: a line that uses so much of them leaves no worker one."""
_FAR_BELOW, _FAR_ABOVE = 0.75, 1.15
"""Times the capacity: beyond them a line that keeps up in some draws does so in all, and so for one
that does not."""


class Limit(StrEnum):
    """What is full first."""

    CAMERA = "the camera"
    WORKERS = "the workers"
    CORES = "the cores"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Items a second that are answered where more of them come; between two bounds with 90 %."""

    items_per_s: float
    half: float
    limit: Limit
    cores: Mapping[str, float] = field(default_factory=dict)
    """kind of process → cores that all of its kind use then, the most first; empty: unknown"""

    def of_site(self, lines: int) -> Capacity:
        """Of so many such lines side by side."""
        return replace(self, items_per_s=lines * self.items_per_s, half=lines * self.half)

    def load(self, items_per_s: float) -> float:
        """Items that come ÷ items that can be answered."""
        return items_per_s / self.items_per_s

    def is_far_from(self, items_per_s: float) -> bool:
        """Whether far less comes than can be done, or far more, at either bound."""
        least, most = self.items_per_s - self.half, self.items_per_s + self.half
        return items_per_s < _FAR_BELOW * least or items_per_s > _FAR_ABOVE * most


def capacity(
    profile: Profile,
    cameras: int,
    workers: int,
    credit: int,
    twin_error: TwinError,
    *,
    waiting: int = 0,
) -> Capacity:
    """Of one line, by what was measured of workers that had no rest.

    `credit`: frames that each worker may hold. `waiting`: those that may wait for each of them, if
    it is given batches by slack where it gains by them. A further worker finds no core where all
    processes together fill them; where the profile does not tell, where there are as many workers.
    """
    paces = Paces(profile)
    service = ServiceTimes(profile, paces, workers)
    batch, last = largest_batch(credit), STEPS - 1
    if service.batches is not None and waiting:
        batch = min(waiting, service.batches.largest)
    inference_s = fmean(service.table_s(service.crowds[workers], batch, last))
    by_workers = workers * batch / max(1e-9, inference_s + service.turnaround_s)
    picture_s = fmean(profile.picture_ms) / 1000 * service.crowding[last]
    by_cameras = cameras / picture_s if picture_s else math.inf
    limit = Limit.CAMERA if by_cameras < by_workers else Limit.WORKERS
    most = min(by_cameras, by_workers)
    cores = _cores(profile, paces, cameras, workers, most)
    is_full = sum(cores.values()) >= _FULL * profile.machine.cores
    if limit is Limit.WORKERS and (is_full if cores else workers >= profile.machine.cores):
        limit = Limit.CORES
    most /= _mean_slowness(profile)
    half = most * _NORMAL90 * math.hypot(twin_error.speed, _spread(profile))
    return Capacity(most, half, limit, cores)


def _cores(
    profile: Profile, paces: Paces, cameras: int, workers: int, items_per_s: float
) -> dict[str, float]:
    """By kind, where so many items are answered."""
    if not profile.processor:
        return {}
    model = ProcessorModel(profile, paces, workers)
    found = {WORKER: items_per_s * model.an_answer_s[-1]}
    for kind in model.kinds:
        number = cameras if kind in (CAMERA, MAKERS) else 1
        each = items_per_s / number
        cores = model.cores(kind, Passed(each, each, each, each), items_per_s)
        name = kind.removesuffix(CHILDREN)
        found[name] = found.get(name, 0.0) + number * (cores or 0.0)
    return dict(sorted(found.items(), key=lambda own: -own[1]))


def _mean_slowness(profile: Profile) -> float:
    return fmean(profile.slowness) if profile.slowness else 1.0


def _spread(profile: Profile) -> float:
    return pstdev(profile.slowness) / fmean(profile.slowness) if profile.slowness else 0.0
