"""What the line's processes use of the cores, by what passes them.

A worker's processor time grows with its answers, as measured in a pool of that size at that pace;
waiting costs none, so it is the same however full the cores are. All others' grows with the
seconds, the items at the photo-eyes, the frames and the answers: the best fit of all measured runs,
times what runs of that pool and pace had more or less than that.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from line.run_files.machine_trace import CHILDREN
from line.settings import Settings
from planner.profile import ProcessorUse, Profile, of_pool
from planner.sim.paces import Paces
from producers.ahead.lead import REFILL

WORKER, CAMERA = "worker", "camera"
MAKERS = f"{CAMERA}{CHILDREN}"
"""Who makes a camera's pictures ahead, or reads them."""
_BETTER, _EXACT = 0.1, 1e-12
"""By so much a fit with other costs is better: where two of them came together in all runs, nobody
can tell what each was."""
_Array = NDArray[np.float64]


def kind_of(process: str) -> str:
    """`worker-3` → `worker`; who is the only one of a kind is it."""
    return re.sub("-[0-9]+", "", process)


def ahead_s(settings: Settings) -> float:
    """Belt time at whose beginning items are fed whose pictures were made before it."""
    camera = settings.camera
    if camera.prepare == "ahead":
        return REFILL * camera.lead_s
    return math.inf if camera.prepare == "all" else 0.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What passed a process, or all of a kind, a second."""

    seen: float
    """items at photo-eyes"""
    frames: float
    """of them those whose pictures left the cameras"""
    pictures: float
    """of those, that were made meanwhile"""
    answers: float

    def drivers(self, kind: str) -> _Array:
        """What the costs of a kind are for, the second itself among it; the likeliest first."""
        if kind == MAKERS:  # they make those of items that are dropped as well, if there is time
            of_all = self.pictures * self.seen / self.frames if self.frames else 0.0
            return np.array([1.0, self.pictures, of_all])
        return np.array([1.0, self.frames, self.answers, self.seen])


class ProcessorModel:
    """Of one profile that has processor times, for a pool of one size."""

    def __init__(self, profile: Profile, paces: Paces, workers: int) -> None:
        self._every = profile.processor
        self._own = of_pool(profile.processor, workers)
        self._paces = paces

    @cached_property
    def an_answer_s(self) -> list[float]:
        """By step of pace: processor time of a worker."""
        by_pace: defaultdict[float, list[float]] = defaultdict(list)
        for use in self._own:
            if use.answers_per_s:
                by_pace[use.items_per_s].append(use.cores.get(WORKER, 0.0) / use.answers_per_s)
        every_per_s = self._paces.every_per_s
        if not by_pace:
            return [0.0] * len(every_per_s)
        return [float(each_s) for each_s in _between(every_per_s, by_pace)]

    @property
    def kinds(self) -> list[str]:
        """Of all processes that were measured but the workers."""
        return sorted(self._fits)

    def cores(self, kind: str, passed: Passed, items_per_s: float) -> float | None:
        """That all of a kind but the workers use; None where the kind was not measured.

        `items_per_s`: at all photo-eyes together.
        """
        fit = self._fits.get(kind)
        if fit is None:
            return None
        by_pace: defaultdict[float, list[float]] = defaultdict(list)
        for use in self._own:
            fitted = float(_passed(use).drivers(kind) @ fit)
            if fitted:
                by_pace[use.items_per_s].append(use.cores.get(kind, 0.0) / fitted)
        beside = float(_between(np.array([items_per_s]), by_pace)[0]) if by_pace else 1.0
        return float(passed.drivers(kind) @ fit) * beside

    @cached_property
    def _fits(self) -> dict[str, _Array]:
        kinds = {kind for use in self._every for kind in use.cores if kind != WORKER}
        return {
            kind: _fit(
                np.array([_passed(use).drivers(kind) for use in self._every]),
                np.array([use.cores.get(kind, 0.0) for use in self._every]),
            )
            for kind in kinds
        }


def _passed(use: ProcessorUse) -> Passed:
    return Passed(use.seen_per_s, use.frames_per_s, use.pictures_per_s, use.answers_per_s)


def _between(paces_per_s: _Array, by_pace: dict[float, list[float]]) -> _Array:
    known = sorted(by_pace)
    found: _Array = np.interp(paces_per_s, known, [np.mean(by_pace[pace]) for pace in known])
    return found


def _fit(passed: _Array, cores: _Array) -> _Array:
    """Least squares of the relative errors, none of the costs negative, and as few as will do.

    With few of them all choices of those that are not 0 can be tried.
    """
    found, least = np.zeros(passed.shape[1]), float("inf")
    weights = 1 / np.maximum(cores, 1e-4)
    for count in range(1, passed.shape[1] + 1):
        for chosen in map(list, combinations(range(passed.shape[1]), count)):
            scaled = passed[:, chosen] * weights[:, None]
            costs, *_ = np.linalg.lstsq(scaled, cores * weights, rcond=None)
            if (costs < 0).any():
                continue
            apart = float(((scaled @ costs - cores * weights) ** 2).sum())
            if apart < (1 - _BETTER) * least - _EXACT:
                least = apart
                found = np.zeros(passed.shape[1])
                found[chosen] = costs
    return found
