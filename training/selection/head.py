"""The part that is trained anew at every number of labels: multinomial logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from training.selection.choice import Indices, Numbers, Vectors

Head = Callable[[Vectors], Numbers]
"""Embeddings `[n, features]` → probabilities `[n, classes]`."""

MOST_STEPS = 500


def fit_head(embeddings: Vectors, labels: Indices, classes: int, inverse_penalty: float) -> Head:
    """Fit by L-BFGS, which draws nothing at random: the same labels give the same head.

    A class without a label gets probability 0; `inverse_penalty` is scikit-learn's C.
    """
    present = np.unique(labels)
    if len(present) == 1:
        return lambda vectors: _spread(np.ones((len(vectors), 1)), present, classes)
    fitted = LogisticRegression(C=inverse_penalty, max_iter=MOST_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        # A head that stops a little short of its optimum is judged as it is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(embeddings, labels)
    return lambda vectors: _spread(fitted.predict_proba(vectors), present, classes)


def _spread(probabilities: Numbers, present: Indices, classes: int) -> Numbers:
    everywhere = np.zeros((len(probabilities), classes))
    everywhere[:, present] = probabilities
    return everywhere
