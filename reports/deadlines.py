"""When the deadline of an item was that nobody answered for: its row does not say it."""

from __future__ import annotations

from pathlib import Path

from line.belt_changes import BeltChange
from line.belt_time import Clock
from line.errors import BadInput
from line.events import Drift
from line.pace import belt_pace
from line.run_files.session import FILE, Session
from line.settings import Settings

Changes = tuple[BeltChange, ...] | None
"""What was ordered of the belts and the clock, ascending in time; None: that is not known."""


def read_changes(run_dir: Path, orders: int) -> Changes:
    """What the run's last session kept; `orders`: how many the line was given, of all kinds."""
    if not (run_dir / FILE).is_file():  # as in virtual time, where nobody gives any
        return None if orders else ()
    try:
        return tuple(Session.load(run_dir).overrides.changes)
    except BadInput:
        return None


def deadline_ms(
    settings: Settings, speed: float | str, changes: Changes, camera: int, scheduled_s: float
) -> float | None:
    """Wall time from a trigger at belt second `scheduled_s` to the last moment for a decision.

    The way to the ejector at the pace of the lane's belt, less the actuator's time, both by the
    clock. None at `max`, where nothing has a deadline, and where `changes` are not known.
    """
    if isinstance(speed, str) or changes is None:
        return None
    belt = settings.belt
    drifts = [e for e in settings.events if isinstance(e, Drift) and e.index == camera]
    pace = belt_pace(belt.speed_m_per_s, drifts, changes)
    left_s = pace.duration_s(scheduled_s, belt.camera_to_ejector_m) - belt.actuator_ms / 1000
    clock = Clock(0.0, speed, changes)
    return 1000 * (clock.wall(scheduled_s + left_s) - clock.wall(scheduled_s))
