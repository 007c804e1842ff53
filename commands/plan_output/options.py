"""The lists and targets of `run_line.py plan`, as they are typed."""

from __future__ import annotations

from line.errors import BadInput
from line.settings import Settings
from planner.plan.target import Target
from planner.sim.supervisor import Failures

_BELT_SPEEDS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Times the scenario's, where none are asked for."""
_WORKERS = "1,2,3,4"
_IN_TIME = 0.99
"""What is to be reached where nothing is said."""
LIST = "numbers, or FROM:TO:STEP"


def defaults(settings: Settings) -> dict[str, object]:
    """What a plan varies where nothing is said."""
    own = settings.decision.threshold
    speed = settings.belt.speed_m_per_s
    return {
        "belt_speed_m_per_s": [speed * factor for factor in _BELT_SPEEDS if speed * factor <= 20],
        "items_per_min": [],
        "workers": numbers("workers", _WORKERS),
        "cameras": [settings.line.cameras],
        "threshold": [] if own == "model" else [own],
        "camera_to_ejector_m": [settings.belt.camera_to_ejector_m],
    }


def numbers(option: str, text: str | None) -> list[float | int] | None:
    """`1,2,4` or `1:3:0.5`, both ends included."""
    if text is None:
        return None
    try:
        if ":" in text:
            first, last, step = (float(part) for part in text.split(":"))
            if not (step > 0 and last >= first):
                raise ValueError
            count = int((last - first) / step + 1e-9) + 1
            values = [round(first + number * step, 9) for number in range(min(count, 10_000))]
        else:
            values = [float(part) for part in text.split(",")]
        return [int(value) if value == int(value) else value for value in values]
    except (ValueError, OverflowError):
        raise BadInput(f"--{option} {text}: expected {LIST}") from None


def target_of(in_time: float | None, recovery: float | None) -> Target:
    """What is to be reached."""
    asked = {"in_time": in_time, "recovery": recovery}
    given = {name: share for name, share in asked.items() if share is not None}
    return Target(given or {"in_time": _IN_TIME})


def failures_of(mtbf: float | None, mttr: float | None) -> Failures | None:
    """Of workers, by their mean times in seconds."""
    if mtbf is None and mttr is None:
        return None
    if mtbf is None or mttr is None:
        raise BadInput("--mtbf and --mttr: need one another")
    return Failures(between_s=mtbf, repair_s=mttr)
