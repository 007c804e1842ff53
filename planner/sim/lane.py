"""The items of one lane, as its belt carries them to the photo-eye."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice, repeat

import numpy as np

from line.events import Drift
from line.pace import belt_pace
from line.settings import Settings
from planner.sim.random_draws import BLOCK_ITEMS, RandomDraws
from planner.sim.stand_ins import Item


def items(
    settings: Settings,
    camera: int,
    arrivals: Iterator[float],
    true_classes: Iterator[str],
    random_draws: Iterator[RandomDraws],
    masses_g: Mapping[str, float],
) -> Iterator[Item]:
    """To the end of `arrivals`, made in blocks; `masses_g`: of one item of each class."""
    belt = settings.belt
    drifts = [e for e in settings.events if isinstance(e, Drift) and e.index == camera]
    ride_s = np.vectorize(belt_pace(belt.speed_m_per_s, drifts).duration_s, otypes=[float])
    actuator_s = belt.actuator_ms / 1000
    speed = clock_speed(settings)
    to_camera_s, to_ejector_s = (
        ride_s(0.0, metres) for metres in (belt.infeed_to_camera_m, belt.camera_to_ejector_m)
    )
    for block, chance in enumerate(random_draws):
        fed_s = np.fromiter(islice(arrivals, BLOCK_ITEMS), float)
        if not fed_s.size:
            return
        if drifts:
            to_camera_s = ride_s(fed_s, belt.infeed_to_camera_m)
            to_ejector_s = ride_s(fed_s + to_camera_s, belt.camera_to_ejector_m)
        trigger_s = fed_s + to_camera_s
        deadlines = (trigger_s + (to_ejector_s - actuator_s)) / speed
        seqs = range(block * BLOCK_ITEMS, block * BLOCK_ITEMS + fed_s.size)
        classes = list(islice(true_classes, fed_s.size))
        yield from map(
            Item,
            repeat(camera),
            seqs,
            zip(repeat(camera), seqs, strict=False),
            fed_s.tolist(),
            trigger_s.tolist(),
            (trigger_s / speed).tolist(),
            deadlines.tolist() if math.isfinite(speed) else repeat(math.inf),
            classes,
            map(masses_g.__getitem__, classes),
            *chance,
        )


def clock_speed(settings: Settings) -> float:
    """Belt seconds a virtual second, from second 0 of both on; infinite on the `max` clock."""
    return math.inf if settings.line.speed == "max" else settings.line.speed
