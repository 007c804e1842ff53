"""One number that makes a network's confidence fit how often it is right.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (2017): logits ÷ T, with T
chosen for the least negative log likelihood. The most probable class never changes.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq  # type: ignore[import-untyped]
from scipy.special import softmax  # type: ignore[import-untyped]

from training.errors import BadInput
from training.evaluate.answers import Floats, Ints
from training.evaluate.probability_scores import SMALLEST

LEAST, MOST = 0.05, 20.0


def fit_temperature(probabilities: Floats, labels: Ints, source: str) -> float:
    """The temperature with the least NLL on probabilities `[n, classes]` and labels `[n]`.

    Logarithms of probabilities are logits but for a constant, which softmax ignores. NLL is convex
    in 1/T, so its slope has one root. Raises BadInput, naming `source`, where that lies outside
    LEAST…MOST: pictures that are all right, or answers that are noise, say nothing about T.
    """
    log = np.log(np.maximum(probabilities, SMALLEST))
    above_true = log - log[np.arange(len(labels)), labels][:, None]

    def slope(inverse: float) -> float:
        """Derivative of the NLL by 1/T: how far the logits expected lie above the true ones."""
        return float((softmax(log * inverse, axis=1) * above_true).sum(axis=1).mean())

    ends = 1 / MOST, 1 / LEAST
    if slope(ends[0]) >= 0 or slope(ends[1]) <= 0:
        raise BadInput(
            f"{source}: no temperature between {LEAST} and {MOST} fits its {len(labels)} "
            "pictures: they are all classified right, or no better than by chance"
        )
    return float(1 / brentq(slope, *ends, xtol=1e-9))


def with_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities `[n, classes]` as they are with logits ÷ `temperature`."""
    log = np.log(np.maximum(probabilities, SMALLEST))
    return np.asarray(softmax(log / temperature, axis=1))
