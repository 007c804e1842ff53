"""What labels say of the bins of a run: one count for the line while it runs, and for its accounts.

An item counts if it was ejected into a bin whose purity was promised, by the model that the promise
is for, and if its class is known: from the source, or from people, who were shown it because it was
drawn by lot (`line.run_files.review_rules`). What else people label was in doubt, or was found to
be wrong, and would make every promise look broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from line.outcome import Verdict
from line.promise.evidence import Evidence
from line.run_files.review_rules import is_drawn
from line.run_files.said_labels import QueuedAnswer
from line.settings import Settings

EJECTED = frozenset({Verdict.SORTED, Verdict.MISSORTED})
Observed = dict[str, Evidence]
"""Class → what is known of the items in its bin."""


class BinLabels:
    """`take` items as their rows come; `observed` adds what people have said of them up to now.

    Memory is bounded by the review queue: of items without a class only those are remembered that
    may be in it.
    """

    def __init__(self, settings: Settings) -> None:
        self._review = settings.review
        self._seed = settings.line.seed
        self._known: Observed = {
            each.class_name: Evidence(each.purity) for each in settings.decision.promised
        }
        self._models = {each.class_name: each.model for each in settings.decision.promised}
        self._bins: dict[str, str] = {}
        """item that was drawn by lot → class of the bin that it was ejected into"""

    @property
    def names(self) -> list[str]:
        """Classes of the bins."""
        return list(self._known)

    def take(
        self, frame_id: str, verdict: Verdict, truth: str | None, predicted: str | None, model: str
    ) -> None:
        """One item, by its row."""
        if predicted is None or verdict not in EJECTED or self._models.get(predicted) != model:
            return
        if truth is not None:
            self._known[predicted].add(right=truth == predicted)
        elif len(self._bins) < self._review.max_pictures and self._may_be_queued(frame_id):
            self._bins[frame_id] = predicted

    def observed(self, answers: Iterable[QueuedAnswer]) -> Observed:
        """`answers`: of the review queue, in the order of their labels."""
        found = {name: copy(evidence) for name, evidence in self._known.items()}
        for each in answers:
            name = self._bins.get(each.frame_id)
            if name is not None and each.label is not None:
                found[name].add(right=each.label == name)
        return found

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        known = {n: [e.right, e.wrong, e.is_broken] for n, e in self._known.items()}
        return {"known": known, "bins": self._bins}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        known: Observed = {}
        for name, evidence in self._known.items():
            right, wrong, is_broken = state["known"][name]
            known[name] = Evidence(evidence.purity, int(right), int(wrong), bool(is_broken))
        bins = {str(item): str(name) for item, name in dict(state["bins"]).items()}
        if not set(bins.values()) <= set(known):
            raise ValueError("nothing is promised of a bin")
        self._known, self._bins = known, bins

    def _may_be_queued(self, frame_id: str) -> bool:
        return is_drawn(frame_id, self._review, self._seed)
