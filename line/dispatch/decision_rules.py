"""Items are decided by the model that answered: its classes in its order, its own thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from line.messages import Frame, Result
from line.model.facts import ModelFacts
from line.outcome import Outcome
from line.process.context import ProcessContext
from line.run_files.session import Session
from line.verdicts import Judge


@dataclass(frozen=True, slots=True)
class DecisionRules(Judge):
    """Of the run's own model (short hash `own`), and in `others` of each that was ordered."""

    own: str
    others: Mapping[str, Judge]

    def knows(self, model: str) -> bool:
        """Whether a model with this short hash was ever to answer on this line."""
        return model == self.own or model in self.others

    def classified(
        self,
        frame: Frame,
        result: Result,
        worker: str,
        attempts: int,
        dispatched: float | None,
        now: float,
    ) -> Outcome:
        judge = self.others.get(result.model, self)
        return Judge.classified(judge, frame, result, worker, attempts, dispatched, now)


def decision_rules_of(context: ProcessContext) -> DecisionRules:
    """As it was ordered up to now: session.json says it."""
    overrides = Session.load(context.run_dir).overrides
    decision, residue_class = context.settings.decision, context.settings.belt.residue_class
    # The runner has put the model's own number in the place of "model".
    assert decision.threshold != "model"
    ordered, usual = overrides.threshold, decision.threshold

    def threshold(model: ModelFacts) -> float:
        own = usual if model.threshold is None else model.threshold
        return own if ordered is None else ordered

    def novelty_energy(model: ModelFacts) -> float:
        usual = decision.novelty_energy
        if isinstance(usual, str):
            return math.inf
        return usual if model.novelty_energy is None else model.novelty_energy

    def judge_of(model: ModelFacts) -> Judge:
        return Judge(
            model.classes,
            residue_class,
            threshold(model),
            promised=promised(model),
            novelty_energy=novelty_energy(model),
        )

    def promised(model: ModelFacts) -> dict[str, float]:
        """What is promised is for one model; an order can make it stricter, never laxer."""
        found = decision.thresholds_of(model.short_hash)
        return {name: max(each, ordered or 0.0) for name, each in found.items()}

    others = {short_hash: judge_of(model) for short_hash, model in overrides.models.items()}
    return DecisionRules(
        context.model.classes,
        residue_class,
        threshold(context.model),
        context.model.short_hash,
        others,
        promised=promised(context.model),
        novelty_energy=novelty_energy(context.model),
    )
