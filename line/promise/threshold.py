"""The threshold of a class from which on so many of its answers are right as were promised.

What is chosen is the lowest confidence of which the labels still show the purity. A threshold that
was looked for among many is a lucky one, so that its own bound says too much. Here the search is a
fixed sequence of tests (Angelopoulos, Bates, Candès, Jordan and Lei, Learn then Test, 2021): from
the surest labels downwards, each confidence in turn, until the first that is not shown.

Why it holds. Let v be the highest confidence below which the purity of all that is let through is
less than promised. Whoever ends below v has passed the test of all labels that reach v. No label
says where v lies, so these labels are as many independent draws, and that test is passed wrongly
with probability `doubt` at most; so is the first test of a sequence that begins below v, as it is
of a given number of labels. It is assumed that answers of less confidence are not right more often,
within the class.

A sequence that begins at few labels is ended by one unlucky sure label, so there are several, which
share the doubt: the next begins where some more labels may be wrong. How many there are depends on
the number of labels alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from line.promise.bound import DOUBT, at_most, labels_needed

DIGITS = 5
"""Of a confidence, as rows have it."""
_HALF_DIGIT = 0.000_005
_WRONG = (0, 4, 16, 64, 256)
"""So many labels may be wrong where a sequence begins."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`wrong` of the `reach` labels that reach `threshold` are wrong."""

    threshold: float
    reach: int
    wrong: int


def choose(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], purity: float, doubt: float = DOUBT
) -> Choice | None:
    """Of the labels of one predicted class, `[n]` each; None where no threshold is shown.

    The purity of all answers that reach the threshold is below `purity` with probability `doubt` at
    most, over the draw of the labels. `purity` lies between 0 and 1.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    # Labels of the same confidence cannot be told apart by a threshold, and count together.
    is_last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    reach = np.flatnonzero(is_last) + 1
    wrong = np.cumsum(~right[order])[is_last]
    chance = at_most(wrong, reach, 1 - purity)
    sequences = starts(len(ordered), purity, doubt)
    best = -1
    for start in sequences:
        first = int(np.searchsorted(reach, start.labels))
        is_shown = chance[first:] <= doubt / len(sequences)
        passed = int(is_shown.argmin()) if not is_shown.all() else len(is_shown)
        if passed:
            best = max(best, first + passed - 1)
    if best < 0:
        return None
    lowest = float(ordered[reach[best] - 1])
    return Choice(threshold_of(lowest), int(reach[best]), int(wrong[best]))


def threshold_of(confidence: float) -> float:
    """What lets through all that rounds to this confidence or to more."""
    return round(max(0.0, confidence - _HALF_DIGIT), DIGITS + 1)


@dataclass(frozen=True, slots=True)
class Start:
    """A sequence begins with so many of the surest labels; `wrong` of them may be wrong."""

    labels: int
    wrong: int


def starts(labels: int, purity: float, doubt: float = DOUBT) -> list[Start]:
    """Of all sequences that there are with so many labels; none where there are too few."""
    found: list[Start] = []
    for sequences in range(1, len(_WRONG) + 1):
        share = doubt / sequences
        some = [Start(labels_needed(purity, wrong, share), wrong) for wrong in _WRONG[:sequences]]
        if some[-1].labels > labels:
            break
        found = some
    return found


def next_start(sequences: int, purity: float, doubt: float = DOUBT) -> Start | None:
    """What one sequence more than there are would begin with; None beyond the last."""
    if sequences == len(_WRONG):
        return None
    wrong = _WRONG[sequences]
    return Start(labels_needed(purity, wrong, doubt / (sequences + 1)), wrong)
