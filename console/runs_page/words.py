"""How the figures of runs are written."""

from __future__ import annotations

from datetime import datetime


def percent(share: float | None) -> str:
    """A share in 0..1 with its unit; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def when(moment: datetime) -> str:
    """Date and minute where the console runs."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def clock(speed: float | str) -> str:
    """A clock multiplier."""
    return f"{speed:g}×" if isinstance(speed, float | int) else speed
