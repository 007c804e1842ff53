"""What the runner finds at the start of a run: a threshold for each purity that was promised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from line.errors import BadInput
from line.plain_text import plain
from line.promise.bound import labels_needed
from line.promise.label_file import ScoredLabel, each_once, read_labels
from line.promise.threshold import choose, next_start, starts
from line.settings import Promised, Settings


def with_promises(settings: Settings, model: str, classes: Sequence[str]) -> Settings:
    """The settings with `decision.promised` as it is for the model with this short hash.

    What stands there for the same model and the same purities, as in a run that is fed again, is
    kept: the labels may have changed since.

    Raises:
        BadInput: naming the class that does not exist, or that has too few labels for its promise.
    """
    decision = settings.decision
    for name in decision.promise:
        if name not in classes:
            known = plain(", ".join(classes))
            raise BadInput(f"decision.promise.{name}: is not a class of the model ({known})")
    kept = [each for each in decision.promised if each.model == model]
    if {each.class_name: each.purity for each in kept} != decision.promise:
        path = Path(decision.promise_labels)
        labels = each_once(label for label in read_labels(path) if label.model == model)
        if not labels:
            raise BadInput(f"{path}: has no label of the model {model}")
        kept = [promised(name, p, labels, model) for name, p in decision.promise.items()]
    return settings.replaced({"decision": {"promised": [each.model_dump() for each in kept]}})


def promised(name: str, purity: float, labels: Sequence[ScoredLabel], model: str) -> Promised:
    """A threshold for the bin of the class, by the labels of items that were taken for it.

    `labels`: of one model, each item once.

    Raises:
        BadInput: there are too few of them, or none of the thresholds has the purity.
    """
    own = [label for label in labels if label.predicted_class == name]
    confidence = np.array([label.confidence for label in own], np.float64)
    right = np.array([label.is_right for label in own], np.bool_)
    choice = choose(confidence, right, purity)
    if choice is None:
        raise BadInput(f"decision.promise.{name}: {purity:g} {_lacking(confidence, right, purity)}")
    return Promised(
        class_name=name,
        purity=purity,
        threshold=choice.threshold,
        labels=len(own),
        reach=choice.reach,
        wrong=choice.wrong,
        model=model,
    )


def _lacking(
    confidence: np.ndarray[tuple[int], np.dtype[np.float64]],
    right: np.ndarray[tuple[int], np.dtype[np.bool_]],
    purity: float,
) -> str:
    """How many labels are missing, or how many of the surest are wrong."""
    needed = labels_needed(purity)
    taken = "labelled items that the model took for it"
    if len(right) < needed:
        return f"needs {needed} {taken}, none of them wrong; there are {len(right)}"
    wrong = np.cumsum(~right[np.argsort(-confidence, kind="stable")])
    tried = starts(len(right), purity)
    found = ", ".join(f"{wrong[each.labels - 1]} of the {each.labels} surest" for each in tried)
    more = next_start(len(tried), purity)
    hope = f"; with {more.labels} labels, {more.wrong} of them may be" if more else ""
    return f"is not shown by {len(right)} {taken}: {found} are wrong{hope}"
