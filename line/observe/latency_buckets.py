"""The latencies that are told apart in figures about the whole line: fine around the deadline."""

from __future__ import annotations

from line.settings import Settings

_OF_DEADLINE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0, 5.0)
_WITHOUT_DEADLINE_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def bucket_bounds_s(settings: Settings) -> tuple[float, ...]:
    """Upper bounds of a latency histogram, rising; the deadline itself is one, if there is any."""
    if settings.line.speed == "max":
        return _WITHOUT_DEADLINE_S
    deadline_s = settings.deadline_s / settings.line.speed
    return tuple(float(f"{share * deadline_s:.6g}") for share in _OF_DEADLINE)
