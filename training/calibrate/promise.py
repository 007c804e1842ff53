"""What pictures can be promised by, and what to say of a calibration that cannot promise it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from training.calibrate.conformal import pictures_needed
from training.evaluate.risk_coverage import Choice

DOUBT = 0.05
"""A promise may fail once in twenty sets of pictures."""


def pictures_for(precision: float) -> int | None:
    """Smallest number of pictures that, all right, show a precision; None for 1, which none shows.

    With n of n right the true share lies below p with probability p^n at most.
    """
    return None if precision >= 1 else math.ceil(math.log(DOUBT) / math.log(precision))


def too_few(total: int, precision: float, coverage: float) -> Iterator[str]:
    """What so many pictures are too few for, to be said before training."""
    needed = pictures_for(precision)
    if needed is None or total < needed:
        wanted = "none is enough" if needed is None else f"{needed} are, without an error"
        yield f"{total} pictures are too few to promise a precision of {precision:g}: {wanted}"
    if total < pictures_needed(coverage):
        yield (
            f"{total} pictures are too few for sets that hold the true class with probability "
            f"{coverage:g}: {pictures_needed(coverage)} are enough"
        )


def caution_of(choice: Choice, wanted: float) -> str | None:
    """What keeps a threshold from being a promise; None if nothing does."""
    precision = choice.precision
    seen = f"{precision.right} of the {precision.of} pictures that reach it are right"
    if precision.value < wanted:
        return f"no threshold reaches a precision of {wanted:g}; this is the best there is: {seen}"
    needed = pictures_for(wanted)
    if needed is None or precision.of < needed:
        enough = "" if needed is None else f", {needed} without an error would be enough"
        return f"the threshold is no promise of a precision of {wanted:g}: {seen}{enough}"
    return None
