"""How far probabilities may be believed: log loss, Brier score, calibration error, temperature.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (2017): logits ÷ T, with T
chosen for the least negative log likelihood. The most probable class never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq  # type: ignore[import-untyped]
from scipy.special import softmax  # type: ignore[import-untyped]

from training.errors import BadInput
from training.evaluate.answers import Floats, Ints

Binning = Literal["mass", "width"]

SMALLEST = float(np.finfo(np.float32).tiny)
"""A float32 probability below this is rounded to 0; its logarithm is taken as of this."""


@dataclass(frozen=True)
class Bin:
    """Pictures of like confidence: how many, how sure on average, how often right."""

    pictures: int
    confidence: float
    accuracy: float


def nll(probabilities: Floats, labels: Ints) -> float:
    """Mean negative log likelihood, in nats: -mean ln p(true class)."""
    return float(-np.log(np.maximum(_of_true(probabilities, labels), SMALLEST)).mean())


def brier(probabilities: Floats, labels: Ints) -> float:
    """Brier's (1950) score over all classes, 0…2: mean of Σ_c (p_c - [c is true])²."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def ece(bins: list[Bin]) -> float:
    """Expected calibration error, 0…1: Σ_b n_b/n · |accuracy_b - confidence_b|.

    Naeini, Cooper and Hauskrecht (2015); of the most probable class.
    """
    pictures = sum(b.pictures for b in bins)
    return sum(b.pictures * abs(b.accuracy - b.confidence) for b in bins) / pictures


def reliability(probabilities: Floats, labels: Ints, bins: int, binning: Binning) -> list[Bin]:
    """Pictures by confidence, in bins that hold something, least sure first.

    `mass`: as many pictures in each, to one; `width`: the same range of confidence in each.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    parts: list[NDArray[np.int64]]
    if binning == "mass":
        parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    else:
        # (0, 1/15], (1/15, 2/15] …, as in Guo et al. (2017): a confidence of 1 is in the last bin.
        place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
        parts = [np.flatnonzero(place == number) for number in range(bins)]
    return [
        Bin(len(part), float(confidence[part].mean()), float(right[part].mean()))
        for part in parts
        if len(part)
    ]


def scores(probabilities: Floats, labels: Ints, bins: int, binning: Binning) -> dict[str, float]:
    """ECE, NLL and Brier score, JSON-ready."""
    return {
        "ece": ece(reliability(probabilities, labels, bins, binning)),
        "nll": nll(probabilities, labels),
        "brier": brier(probabilities, labels),
    }


def _of_true(probabilities: Floats, labels: Ints) -> Floats:
    return np.asarray(probabilities[np.arange(len(labels)), labels])


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
