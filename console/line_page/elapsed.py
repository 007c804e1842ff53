"""How long a run has been under way, and how long it still takes."""

from __future__ import annotations

from console.live import LiveLine


def remaining(live: LiveLine) -> str:
    """In words: what is left to be fed, on the wall's clock; or why nobody can say."""
    status = live.status
    if live.run is None or live.state == "over":
        return ""
    if status.get("phase") != "running":
        return str(status.get("phase", ""))
    if status.get("paused"):
        return "infeed paused"
    left_s = remaining_s(live)
    if left_s is None:
        return "no end is set"
    return f"about {clock(left_s)} left"


def remaining_s(live: LiveLine) -> float | None:
    """Wall seconds until the last item is fed, if all goes on as now; None without an end.

    The duration is counted in belt time without pauses, the items at the rate of the last minute.
    """
    if live.run is None:
        return None
    line, status = live.run.settings.line, live.status
    lately = live.history.last(60.0)
    ends = []
    if line.duration_s:
        left_s = max(0.0, line.duration_s - float(status.get("feeding_s") or 0.0))
        pace = _belt_s_per_s(live)
        if pace:
            ends.append(left_s / pace)
    if line.items and lately is not None and lately.rows and lately.wall_s > 0:
        left = max(0, line.items - int(status.get("fed") or 0))
        ends.append(left * lately.wall_s / lately.rows)
    return min(ends, default=None)


def _belt_s_per_s(live: LiveLine) -> float:
    """Belt seconds that pass in a second of the wall's clock."""
    speed = live.status.get("clock", 1.0)
    if isinstance(speed, int | float):
        return float(speed)
    lately = live.history.last(60.0)  # at `max`: as fast as it went
    return lately.belt_s / lately.wall_s if lately is not None and lately.wall_s > 0 else 0.0


def clock(seconds: float) -> str:
    """As `m:ss`, or `h:mm:ss`."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
