"""Labels that look wrong: what a simple classifier, trained on the other pictures, disagrees with.

Confident learning (C. Northcutt, L. Jiang, I. Chuang, JAIR 2021) as cleanlab implements it: each
picture gets probabilities from a logistic regression that has not seen it, and is suspected where
these speak against its label more than that class's usual doubt explains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import Normalizer  # type: ignore[import-untyped]

# On vectors of length 1 this fits about as well as any value from 3 to 30, and converges fast.
INVERSE_PENALTY = 10.0
MOST_STEPS = 2000

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """Picture `index` is labelled `label`, with probability `own`; `other` has `suggested`."""

    index: int
    label: int
    other: int
    own: float
    suggested: float


@dataclass(frozen=True)
class Suspicion:
    """Suspects, the least probable label first; `accuracy` (0…1) of the classifier behind it."""

    accuracy: float
    suspects: tuple[Suspect, ...]


def suspect_labels(
    embeddings: Floats, labels: Integers, groups: Integers, folds: int, seed: int
) -> Suspicion:
    """Find doubtful labels: `[n, features]`, `[n]` in 0…classes−1, `[n]` → suspects.

    Pictures of one group (duplicates) are never on both sides of a fold, else a wrong label that
    is there twice would confirm itself. Every class needs at least `folds` groups, and there must
    be two classes.
    """
    out_of_fold = _out_of_fold(embeddings, labels, groups, folds, seed)
    found: Sequence[int] = find_label_issues(
        labels,
        out_of_fold,
        filter_by="both",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    best = out_of_fold.argmax(axis=1)
    suspects = tuple(
        Suspect(
            int(i),
            int(labels[i]),
            int(best[i]),
            float(out_of_fold[i, labels[i]]),
            float(out_of_fold[i, best[i]]),
        )
        for i in found
    )
    return Suspicion(float((best == labels).mean()), suspects)


def classes_to_judge(labels: Sequence[str], groups: Integers, folds: int) -> tuple[str, ...]:
    """The classes with a group for every fold; no class at all if that leaves but one."""
    present: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups.tolist(), strict=True):
        present[label].add(group)
    judged = tuple(name for name in sorted(present) if len(present[name]) >= folds)
    return judged if len(judged) > 1 else ()


def _out_of_fold(
    embeddings: Floats, labels: Integers, groups: Integers, folds: int, seed: int
) -> NDArray[np.float64]:
    """Probabilities `[n, classes]`; 0 where a fold's training part lacks a class altogether."""
    classes = int(labels.max()) + 1
    probabilities = np.zeros((len(labels), classes))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for learned, judged in splitter.split(embeddings, labels, groups):
        if len(set(labels[learned].tolist())) < 2:  # one large group held all of the others
            probabilities[judged] = 1 / classes
            continue
        classifier = make_pipeline(
            Normalizer(), LogisticRegression(C=INVERSE_PENALTY, max_iter=MOST_STEPS)
        )
        classifier.fit(embeddings[learned], labels[learned])
        predicted = classifier.predict_proba(embeddings[judged])
        probabilities[np.ix_(judged, classifier.classes_)] = predicted
    return probabilities
