"""What is added to a model's logits so that it says of labelled pictures what they are.

The new logits are log p + e·W + b, where p are the model's probabilities and e its embedding, and
W, b are found by logistic regression. The penalty on W pulls towards nothing added: where labels
say nothing, the model goes on as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]

from training.evaluate.answers import Answers, Floats, Ints
from training.evaluate.calibration_scores import SMALLEST

MOST_STEPS = 300
GAIN = 1e-6
"""A step that lowers the loss by a smaller share than this is the last."""


@dataclass(frozen=True)
class Seen:
    """Pictures as a model sees them, and what they are.

    `logits` `[n, classes]` up to a constant each, `embedding` `[n, features]`, `labels` `[n]`;
    `weights` `[n]` says how much each counts. Where a picture was shown in several ways, all
    pictures stand there in the first way, then all in the second.
    """

    logits: Floats
    embedding: Floats
    labels: Ints
    weights: Floats

    @classmethod
    def of(cls, ways: Sequence[Answers], labels: Ints, weight: float = 1.0) -> Seen:
        """From the answers to the same pictures in one way or more; a picture counts `weight`."""
        embeddings = [each.embedding for each in ways if each.embedding is not None]
        probabilities = np.concatenate([each.probabilities for each in ways])
        return cls(
            np.log(np.maximum(probabilities, SMALLEST)),
            np.concatenate(embeddings).astype(np.float64),
            np.tile(labels, len(ways)),
            np.full(len(labels) * len(ways), weight / len(ways)),
        )

    def first(self, pictures: int) -> Seen:
        """So many pictures in the first way alone."""
        return self.part(np.arange(len(self.labels)) < pictures)

    def part(self, chosen: NDArray[np.bool_]) -> Seen:
        """Some of the pictures."""
        return Seen(
            self.logits[chosen], self.embedding[chosen], self.labels[chosen], self.weights[chosen]
        )

    def and_also(self, more: Seen) -> Seen:
        """These pictures, then `more`."""
        return Seen(
            np.concatenate([self.logits, more.logits]),
            np.concatenate([self.embedding, more.embedding]),
            np.concatenate([self.labels, more.labels]),
            np.concatenate([self.weights, more.weights]),
        )


@dataclass(frozen=True)
class Correction:
    """`weight` `[features, classes]` and `bias` `[classes]`."""

    weight: Floats
    bias: Floats

    def logits(self, seen: Seen) -> Floats:
        """The model's logits with this added, `[n, classes]`."""
        return np.asarray(seen.logits + seen.embedding @ self.weight + self.bias)


def fit(seen: Seen, inverse_penalty: float) -> Correction:
    """The correction with the least weighted loss and penalty, by L-BFGS.

    Embeddings are scaled to a mean length of 1 for it, so that the penalty means the same for every
    network. The same pictures give the same correction: nothing is drawn at random.
    """
    scale = float(np.linalg.norm(seen.embedding, axis=1).mean()) or 1.0
    inputs = np.column_stack([seen.embedding / scale, np.ones(len(seen.labels))])
    classes = seen.logits.shape[1]
    shape = inputs.shape[1], classes
    truth = np.eye(classes)[seen.labels]
    # The bias, the last row, moves freely.
    penalty = np.append(np.full(shape[0] - 1, 1 / inverse_penalty), 0.0)[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        """And its gradient."""
        added = flat.reshape(shape)
        log = log_softmax(seen.logits + inputs @ added, axis=1)
        value = -(seen.weights * (log * truth).sum(axis=1)).sum() + (penalty * added**2).sum() / 2
        slope = inputs.T @ (seen.weights[:, None] * (np.exp(log) - truth)) + penalty * added
        return float(value), slope.ravel()

    start = np.zeros(shape[0] * shape[1])
    how = {"maxiter": MOST_STEPS, "ftol": GAIN}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=how)
    added = found.x.reshape(shape)
    return Correction(added[:-1] / scale, added[-1])


def left_out(seen: Seen, beside: Seen | None, parts: Ints, inverse_penalty: float) -> Floats:
    """Logits `[pictures, classes]` of each picture, by a correction that has not learnt its part.

    `parts` `[pictures]` numbers the parts; `beside` is what every correction learns as well.
    """
    own = seen.first(len(parts))
    parts_of_rows = np.tile(parts, len(seen.labels) // len(parts))
    logits = np.empty_like(own.logits)
    for number in np.unique(parts):
        others = seen.part(parts_of_rows != number)
        learnt = others if beside is None else others.and_also(beside)
        out = parts == number
        logits[out] = fit(learnt, inverse_penalty).logits(own.part(out))
    return logits


def parts_of(labels: Ints, folds: int, seed: int) -> Ints:
    """Number of the part of each picture, `[n]`: drawn by lot, each class spread evenly."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    parts = np.empty(len(labels), np.int64)
    parts[order] = np.arange(len(labels)) % folds
    return parts
