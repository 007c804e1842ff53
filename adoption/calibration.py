"""A temperature and a threshold out of labelled pictures.

They mean what they mean in the trainer's files. Temperature: Guo, Pleiss, Sun and Weinberger, On
Calibration of Modern Neural Networks (2017): logits ÷ T, T chosen for the least negative log
likelihood. Threshold: the lowest confidence whose answers are right as often as wanted, on these
pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from line.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRECISION = 0.99
_DOUBT = 0.05
"""A promise may fail once in twenty sets of pictures."""
LEAST, MOST = 0.05, 20.0
_SMALLEST = float(np.finfo(np.float32).tiny)
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 60
_AT_THE_END = 1.01


@dataclass(frozen=True)
class Calibration:
    """`right` of the `sure` pictures that reach the threshold; `cautions` say what is doubtful."""

    temperature: float
    threshold: float
    pictures: int
    sure: int
    right: int
    nll_before: float
    nll_after: float
    cautions: tuple[str, ...]

    @property
    def precision(self) -> float:
        return self.right / self.sure

    @property
    def coverage(self) -> float:
        return self.sure / self.pictures


def calibrate(answers_at: Callable[[float], Floats], labels: Ints) -> Calibration:
    """`answers_at`: probabilities [n, classes] of the file at a temperature; `labels` [n].

    What the line will compare counts: the threshold is one of the file's own answers.

    Raises:
        BadInput: if no threshold reaches the precision.
    """
    log = np.log(np.maximum(answers_at(1.0), _SMALLEST))
    cautions = []
    temperature = _fitted(lambda t: _nll(log / t, labels))
    if not LEAST * _AT_THE_END < temperature < MOST / _AT_THE_END:
        temperature = 1.0
        cautions.append(
            "no temperature fits: all pictures are classified right, or no better than by chance"
        )
    answers = answers_at(temperature)
    confidence, correct = answers.max(axis=1), answers.argmax(axis=1) == labels
    threshold, sure, right = _threshold(confidence, correct)
    needed = math.ceil(math.log(_DOUBT) / math.log(PRECISION))
    if sure < needed:
        cautions.append(
            f"the threshold is no promise: {right} of {sure} pictures that reach it are right, "
            f"{needed} without an error would be enough for {PRECISION}"
        )
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        pictures=len(labels),
        sure=sure,
        right=right,
        nll_before=_nll(log, labels),
        nll_after=_nll(log / temperature, labels),
        cautions=tuple(cautions),
    )


def _threshold(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[float, int, int]:
    """(threshold, pictures that reach it, right ones of these), the lowest that is precise enough.

    Pictures of the same confidence cannot be told apart by a threshold, and count together.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    sure = np.flatnonzero(last) + 1
    right = np.cumsum(correct[order])[sure - 1]
    enough = np.flatnonzero(right / sure >= PRECISION)
    if not len(enough):
        best = int((right / sure).argmax())
        raise BadInput(
            f"no threshold makes {PRECISION:.0%} of the sure answers right: the best is "
            f"{right[best]} of {sure[best]}; calibrate on more pictures, or leave it out"
        )
    place = int(enough[-1])
    return float(ordered[sure[place] - 1]), int(sure[place]), int(right[place])


def _fitted(loss: Callable[[float], float]) -> float:
    """The temperature of the least loss between `LEAST` and `MOST`.

    Golden section search over its logarithm: the loss has one minimum.
    """
    low, high = math.log(LEAST), math.log(MOST)
    for _ in range(_STEPS):
        span = _GOLDEN * (high - low)
        if loss(math.exp(high - span)) <= loss(math.exp(low + span)):
            high = low + span
        else:
            low = high - span
    return math.exp((low + high) / 2)


def _nll(scores: Floats, labels: Ints) -> float:
    """Mean negative log likelihood of scores [n, classes], in nats."""
    highest = scores.max(axis=1)
    evidence = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return float((evidence - scores[np.arange(len(labels)), labels]).mean())
