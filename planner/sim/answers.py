"""What the model answers: real answers to other items of the same class, drawn by lot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import cast

from line.errors import BadInput
from line.messages import Frame, Result
from line.outcome import Outcome
from line.verdicts import Judge, Ranked, rank
from planner.profile import Answer, Profile
from planner.sim.stand_ins import Fate

Probabilities = tuple[float, ...]


class Answers:
    """Probabilities in the order of the model's classes. Only the best three are real.

    What they leave of 1 is shared by the other classes evenly.
    """

    def __init__(self, profile: Profile) -> None:
        self._classes = profile.classes
        self._known = {
            name: [self._probabilities(answer) for answer in answers]
            for name, answers in profile.answers.items()
        }

    def check(self, true_classes: Iterable[str]) -> None:
        """Raises BadInput for a class of which nothing is known."""
        for true_class in true_classes:
            if true_class not in self._known:
                known = ", ".join(self._known) or "none"
                raise BadInput(
                    f"the profile has no answers to items of class {true_class!r}; it has: {known}"
                )

    def draw(self, true_class: str, share: float) -> Probabilities:
        """The answer at `share` (0 … 1) of all that are known of the class."""
        known = self._known[true_class]
        return known[int(share * len(known))]

    def _probabilities(self, answer: Answer) -> Probabilities:
        best, *others = answer.top3
        given = {best[0]: answer.confidence, **dict(others)}
        unnamed = len(self._classes) - len(given)
        rest = max(0.0, 1.0 - sum(given.values())) / unnamed if unnamed else 0.0
        return tuple(given.get(name, min(rest, answer.top3[-1][1])) for name in self._classes)


@dataclass(frozen=True)
class RememberingJudge(Judge):
    """The same few answers come again and again: their rankings are made once."""

    _known: dict[Sequence[float], Ranked] = field(default_factory=dict, compare=False)

    def ranked(self, probabilities: Sequence[float]) -> Ranked:
        known = self._known.get(probabilities)
        if known is None:
            known = self._known[probabilities] = rank(self.classes, probabilities)
        return known


@dataclass(frozen=True)
class BriefJudge(RememberingJudge):
    """Says no more of an answered item than `line_figures` counts: nobody reads its row."""

    def classified(
        self,
        frame: Frame,
        result: Result,
        worker: str,
        attempts: int,
        dispatched: float | None,
        now: float,
    ) -> Outcome:
        predicted, confidence, _, _ = self.ranked(result.probabilities)
        truth, triggered = frame.true_class, frame.triggered
        fate = Fate(
            frame.camera,
            frame.seq,
            truth,
            predicted,
            self.verdict(truth, predicted, confidence, frame.deadline - now),
            _row_ms(now - triggered),
            _row_ms(result.started - triggered),
            _row_ms(result.inference_s),
        )
        return cast(Outcome, fate)


def _row_ms(seconds: float) -> float:
    """In whole microseconds, as a row has it."""
    return floor(1e6 * seconds + 0.5) / 1000
