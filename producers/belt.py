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

from line.events import Drift
from line.settings import BeltSettings
from producers.pace import belt_pace


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
        drifts: Iterable[Drift] = (),
    ) -> None:
        """Args: `arrivals`: belt times (s) of the items, ascending; the belt ends with them.

        `drifts`: what becomes of its speed.
        """
        self._env = env
        self._observe = observe
        self._riding = 0
        self._next_arrival_s = -math.inf
        self._stop_s = math.inf
        self._settings = settings
        self._pace = belt_pace(settings.speed_m_per_s, drifts)
        env.process(self._infeed(arrivals))

    @property
    def riding(self) -> int:
        """Items on the belt."""
        return self._riding

    @property
    def is_done(self) -> bool:
        """Nothing is on the belt, and nothing more will be fed."""
        return self._riding == 0 and self._next_arrival_s > self._stop_s

    def deadline_s(self, trigger_s: float) -> float:
        """Belt time, from a trigger on, to the last moment for a decision."""
        return self._to_ejector_s(trigger_s) - self._settings.actuator_ms / 1000

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
            to_camera_s = self._pace.duration_s(arrival_s, self._settings.infeed_to_camera_m)
            self._env.process(self._ride(BeltItem(seq, arrival_s, arrival_s + to_camera_s)))
        self.stop_feeding(self._env.now)
        self._next_arrival_s = math.inf

    def _ride(self, item: BeltItem) -> Process:
        self._observe(Stage.FED, item)
        yield self._env.timeout(item.trigger_s - item.fed_s)
        self._observe(Stage.TRIGGER, item)
        for stage, duration_s in self._after(item.trigger_s):
            yield self._env.timeout(duration_s)
            self._observe(stage, item)
        self._riding -= 1

    def _after(self, trigger_s: float) -> tuple[tuple[Stage, float], ...]:
        """The stages behind the photo-eye, and the belt time that each takes."""
        to_ejector_s = self._to_ejector_s(trigger_s)
        # At `--speed max` nothing has a deadline, and the actuator may be slower than the belt.
        actuator_s = min(self._settings.actuator_ms / 1000, to_ejector_s)
        to_end_m = self._settings.ejector_to_end_m
        return (
            (Stage.DEADLINE, to_ejector_s - actuator_s),
            (Stage.EJECTOR, actuator_s),
            (Stage.END, self._pace.duration_s(trigger_s + to_ejector_s, to_end_m)),
        )

    def _to_ejector_s(self, trigger_s: float) -> float:
        return self._pace.duration_s(trigger_s, self._settings.camera_to_ejector_m)

    def _alarm(self, time_s: float, action: Callable[[], None]) -> Process:
        yield self._env.timeout(time_s)
        action()
