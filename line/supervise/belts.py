"""The belts as the supervisor knows them: where they are, and what is ordered of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic
from types import UnionType

from line.belt_changes import (
    MOST,
    BeltChange,
    BeltSpeedChanged,
    ClockChanged,
    Paused,
    Unpaused,
    to_note,
)
from line.belt_time import Clock
from line.errors import BadInput
from line.events import Drift
from line.observe.orders import BeltOrder, BeltSpeed, ClockSpeed, Pause, Unpause
from line.observe.status import Status
from line.pace import belt_pace
from line.process.control_channel import ControlMessage
from line.run_files.session import elapsed_s

_START_DELAY_S = 0.3
"""From the last process's readiness to belt second 0: greetings need a moment."""
_AHEAD_S = 0.3
"""Wall time from an order to the earliest moment that it may hold from: no belt may be there."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A change of the belts, and the belt second by which every camera must know of it."""

    change: BeltChange
    known_by_s: float


class Belts:
    """Of all lanes: they share the clock and the orders."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._settings = status.settings
        self._overrides = status.overrides
        speed = self._settings.line.speed
        self._speed = math.inf if speed == "max" else speed
        self._lanes: dict[str, ControlMessage] = {}
        """camera → how far its lane had come when it was last started"""
        self._begin: float | None = None

    def learn(self, camera: str, note: ControlMessage) -> None:
        """A camera says how far its lane has come."""
        self._lanes[camera] = note

    @property
    def have_started(self) -> bool:
        return self._begin is not None

    def start(self) -> None:
        """A moment from now, where the first item stands that some sink lacks."""
        self._begin = monotonic() + _START_DELAY_S
        self._status.belt_started = self._begin - elapsed_s(self._lanes.values())

    def start_note(self) -> ControlMessage:
        """What a camera is told that starts now. Only after `start`."""
        zero, begin = self._status.belt_started, self._begin
        return {"kind": "start", "zero": zero, "begin": begin, **self.changes_note()}

    def changes_note(self) -> ControlMessage:
        """All that was ordered of the belts."""
        return {"changes": to_note(self._overrides.changes)}

    @property
    def clock(self) -> Clock:
        """As it was ordered so far. Only after `start`."""
        assert self._status.belt_started is not None
        return Clock(self._status.belt_started, self._speed, self._overrides.changes)

    @property
    def now_s(self) -> float:
        """Belt time; on the `max` clock of the lane that is furthest. 0 before the start."""
        if not self.have_started:
            return 0.0
        return self.clock.belt(monotonic()) if self.clock.is_paced else self._status.belt_s

    def plan(self, order: BeltOrder, write_s: float = 0.0) -> Planned:
        """What the order comes to, from a moment on that no belt has reached.

        `write_s`: wall time that it will take until the change is written down.

        Raises:
            BadInput: if it cannot be.
        """
        if not self.have_started or self._status.phase != "running":
            raise BadInput(f"the belt is not running: the line is {self._status.phase}")
        if len(self._overrides.changes) >= MOST:
            raise BadInput(f"the belt was changed {MOST} times; a run takes no more")
        wall_s = _AHEAD_S + write_s
        match order:
            case Pause() | Unpause():
                return self._pause(order, wall_s)
            case BeltSpeed(m_per_s=speed):
                self._check_is_paced("the belt's speed is of no matter")
                self._check_speed(speed)
                ahead_s = self._ahead_s(BeltSpeedChanged, wall_s)
                at_s = self._behind_frames_s(ahead_s)
                return Planned(BeltSpeedChanged(at_s=at_s, m_per_s=speed), ahead_s)
            case ClockSpeed(multiplier=multiplier):
                self._check_is_paced("there is no multiplier to change")
                ahead_s = self._ahead_s(ClockChanged, wall_s)
                at_s = self._behind_frames_s(ahead_s)
                return Planned(ClockChanged(at_s=at_s, multiplier=multiplier), ahead_s)

    def left_s(self, planned: Planned) -> float:
        """Wall time that is left to tell the cameras.

        Infinite on the `max` clock: a belt is held where it stands, and remains the same belt.
        """
        if not self.clock.is_paced:
            return math.inf
        return self.clock.wall(planned.known_by_s) - monotonic()

    def _pause(self, order: Pause | Unpause, wall_s: float) -> Planned:
        if self._status.paused == isinstance(order, Pause):
            raise BadInput(f"the infeed is {'' if self._status.paused else 'not '}paused")
        at_s = self._ahead_s(Paused | Unpaused, wall_s)
        change = Paused if isinstance(order, Pause) else Unpaused
        return Planned(change(at_s=at_s), at_s)

    def _check_is_paced(self, why: str) -> None:
        if not self.clock.is_paced:
            raise BadInput(f"{why} at line.speed = max, where nothing has a deadline")

    def _check_speed(self, m_per_s: float) -> None:
        belt = self._settings.belt
        travel_ms = 1000 * belt.camera_to_ejector_m / m_per_s
        if travel_ms <= belt.actuator_ms:
            raise BadInput(
                f"belt_speed.m_per_s: the item would take {travel_ms:.0f} ms from camera to "
                f"ejector, no longer than belt.actuator_ms = {belt.actuator_ms:g}"
            )

    def _ahead_s(self, kind: type[BeltChange] | UnionType, wall_s: float) -> float:
        """The earliest moment for a change, behind those of its kind that are yet to come.

        `wall_s`: from now on until then no change may hold.
        """
        alike = (change for change in self._overrides.changes if isinstance(change, kind))
        last_s = max((change.at_s for change in alike), default=0.0)
        if not self.clock.is_paced:
            return max(self.now_s, last_s)
        return max(self.clock.belt(monotonic() + wall_s), last_s)

    def _behind_frames_s(self, ahead_s: float) -> float:
        """The first moment at which nothing rides to its ejector from before belt time `ahead_s`.

        Frames travel with their deadline; a change before that would make it another.
        """
        belt, events = self._settings.belt, self._settings.events
        paces = [
            belt_pace(
                belt.speed_m_per_s,
                [event for event in events if isinstance(event, Drift) and event.index == lane],
                self._overrides.changes,
            )
            for lane in range(self._settings.line.cameras)
        ]
        return ahead_s + max(pace.duration_s(ahead_s, belt.camera_to_ejector_m) for pace in paces)
