"""What an answer has to be: one probability for each class, and all of them together one."""

from __future__ import annotations

import math
from collections.abc import Sequence

SUM_TOLERANCE = 1e-3
"""The sum may be that far from 1; a probability that little below 0 or above 1 is rounding."""


def complaint_about(probabilities: Sequence[float], names: Sequence[str]) -> str:
    """Why they are no answer; empty if they are one. `names`: of the classes, for the reason."""
    if len(probabilities) != len(names):
        return f"gives {len(probabilities)} probabilities for {len(names)} class names"
    for value, name in zip(probabilities, names, strict=True):
        if not math.isfinite(value):
            return f"gives {value} for {name!r}"
    for value, name in zip(probabilities, names, strict=True):
        if not -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE:
            return f"gives scores instead of probabilities: {value:.4g} for {name!r}"
    total = math.fsum(probabilities)
    if abs(total - 1) > SUM_TOLERANCE:
        return f"gives scores instead of probabilities: they sum to {total:.4g}, not 1"
    return ""
