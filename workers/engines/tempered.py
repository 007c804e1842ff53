"""Answers at another temperature: what a calibration has found for an engine.

The logarithm of a probability serves as its logit: a softmax forgets what all have in common.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SMALLEST = float(np.finfo(np.float32).tiny)


def at_temperature(answers: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """`answers`: probabilities [n, classes]; the same divided by a temperature above 0."""
    if temperature == 1:
        return answers
    scores = np.log(np.maximum(answers, _SMALLEST, dtype=np.float64)) / temperature
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)
