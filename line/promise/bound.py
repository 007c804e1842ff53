"""What some labels say of a share of right answers: exact, for any number of labels.

Of `of` labelled items `wrong` are wrong. If each is wrong with probability `rate`, independently,
the number of wrong ones is binomial. A rate is refuted where so few wrong ones would be seen with
probability `DOUBT` at most. The purities that are not refuted are the one-sided interval of Clopper
and Pearson (Biometrika 26, 1934).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

DOUBT = 0.05
"""A promise may rest on labels that were luckier than its bin: once in twenty sets of labels."""
_STEPS = 60
_IMPOSSIBLE = -math.inf


def at_most(wrong: ArrayLike, of: ArrayLike, rate: float) -> NDArray[np.float64]:
    """Probability of so few wrong ones, or fewer, of `of`; shapes as numpy broadcasts them.

    `rate` lies between 0 and 1. Where more are wrong than the rate makes one expect, the answer is
    1 without being counted: it is above one half, and refutes nothing.
    """
    seen, count = np.broadcast_arrays(np.asarray(wrong, np.int64), np.asarray(of, np.int64))
    is_fewer = seen < rate * count
    most = int(seen[is_fewer].max(initial=-1))
    # Logarithms: 0.95 to the power of a hundred thousand labels is no number any more.
    term = count * math.log1p(-rate)
    odds = math.log(rate) - math.log1p(-rate)
    total = np.where(seen >= 0, term, _IMPOSSIBLE)
    for k in range(1, most + 1):
        term = term + np.log(np.maximum(count - k + 1, 1)) - math.log(k) + odds
        total = np.where(k <= seen, np.logaddexp(total, term), total)
    return np.where(is_fewer, np.minimum(np.exp(total), 1.0), 1.0)


@cache
def labels_needed(purity: float, wrong: int = 0, doubt: float = DOUBT) -> int:
    """Fewest labels that show a purity (between 0 and 1) if so many of them are wrong."""

    def is_enough(of: int) -> bool:
        return bool(at_most(wrong, of, 1 - purity) <= doubt)

    most = math.ceil(math.log(doubt) / math.log(purity))
    if not wrong:
        return most
    while not is_enough(most):
        most *= 2
    least = wrong
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return most


def purity_at_least(right: int, of: int, doubt: float = DOUBT) -> float:
    """The lower bound of a purity: the true one lies below it with probability `doubt` at most."""
    if not right:
        return 0.0
    low, high = 0.0, right / of if right < of else 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if at_most(of - right, of, 1 - middle) <= doubt:
            low = middle
        else:
            high = middle
    return low
