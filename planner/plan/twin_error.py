"""How far a line of processes is from its twin: nobody knows beforehand in which direction."""

from __future__ import annotations

from typing import NamedTuple


class TwinError(NamedTuple):
    """Standard deviations of the logarithm of real ÷ simulated: `python -m benchmarks.forecast`."""

    speed: float = 0.05
    """of all that takes time, and so of what the line can do"""
    latency: float = 0.12
    """of the latencies besides: what items meet on their way depends on much that is not known"""
