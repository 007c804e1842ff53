"""The belt of one lane, as SimPy processes: infeed, photo-eye, ejector window, residue end.

The belt knows no wall clock and waits for nobody. Whoever owns the environment steps it, and hears
of every stage that an item reaches through the `observe` function. Timed events of the scenario
fire on the same clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import simpy

from line.settings import BeltSettings


class Stage(StrEnum):
    """Where an item has just arrived."""

    FED = "fed"  # on the belt
    TRIGGER = "trigger"  # at the photo-eye: the camera exposes
    DEADLINE = "deadline"  # the last moment for a decision: the actuator needs the rest
    EJECTOR = "ejector"  # in front of the ejector
    END = "end"  # over the end of the belt, or in its bin


@dataclass(frozen=True, slots=True)
class BeltItem:
    """One item on the belt. Times are belt times in seconds."""

    seq: int
    fed_s: float
    trigger_s: float


Observer = Callable[[Stage, BeltItem], None]
Process = Generator[simpy.Event, Any, None]


class Belt:
    """One lane. Items keep their order and their distance: the belt runs at constant speed."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: BeltSettings,
        arrivals: Iterable[float],
        observe: Observer,
    ) -> None:
        """Args: `arrivals`: belt times (s) of the items, ascending; the belt ends with them."""
        self._env = env
        self._observe = observe
        self._riding = 0
        self._next_arrival_s = -math.inf
        self._stop_s = math.inf
        speed = settings.speed_m_per_s
        self._to_camera_s = settings.infeed_to_camera_m / speed
        to_ejector_s = settings.camera_to_ejector_m / speed
        # At `--speed max` nothing has a deadline, and the actuator may be slower than the belt.
        actuator_s = min(settings.actuator_ms / 1000, to_ejector_s)
        self._after_trigger = (
            (Stage.DEADLINE, to_ejector_s - actuator_s),
            (Stage.EJECTOR, actuator_s),
            (Stage.END, settings.ejector_to_end_m / speed),
        )
        env.process(self._infeed(arrivals))

    @property
    def riding(self) -> int:
        """Items on the belt."""
        return self._riding

    @property
    def is_done(self) -> bool:
        """Nothing is on the belt, and nothing more will be fed."""
        return self._riding == 0 and self._next_arrival_s > self._stop_s

    def stop_feeding(self, at_s: float) -> None:
        """Feed nothing after belt time `at_s`; what is on the belt runs through."""
        self._stop_s = min(self._stop_s, at_s)

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        """Call `action` at a belt time."""
        self._env.process(self._alarm(time_s, action))

    def _infeed(self, arrivals: Iterable[float]) -> Process:
        for seq, arrival_s in enumerate(arrivals):
            wait_s = max(0.0, arrival_s - self._env.now)
            # As the environment rounds it: a stop at this very moment must mean the same later.
            self._next_arrival_s = self._env.now + wait_s
            yield self._env.timeout(wait_s)
            if self._env.now > self._stop_s:
                return
            self._riding += 1
            self._env.process(self._ride(BeltItem(seq, arrival_s, arrival_s + self._to_camera_s)))
        self.stop_feeding(self._env.now)
        self._next_arrival_s = math.inf

    def _ride(self, item: BeltItem) -> Process:
        self._observe(Stage.FED, item)
        yield self._env.timeout(self._to_camera_s)
        self._observe(Stage.TRIGGER, item)
        for stage, duration_s in self._after_trigger:
            yield self._env.timeout(duration_s)
            self._observe(stage, item)
        self._riding -= 1

    def _alarm(self, time_s: float, action: Callable[[], None]) -> Process:
        yield self._env.timeout(time_s)
        action()
