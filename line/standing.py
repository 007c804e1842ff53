"""What was ordered of the line while it ran, as far as it still holds.

It travels in session.json, so that restarted processes and resumed runs hold to it as well.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from line.belt_changes import BeltChange
from line.model_facts import ModelFacts
from line.section import Fraction


class Shadowing(BaseModel):
    """A candidate that answers for a share of the items beside the model that decides."""

    model: ModelFacts
    share: Fraction


class Standing(BaseModel):
    """Of one run, over all its sessions."""

    changes: list[BeltChange] = Field(default_factory=list)
    """of the belts, ascending in time"""
    threshold: float | None = None
    """in place of the settings'"""
    workers: int | None = None
    """in place of the settings'"""
    models: dict[str, ModelFacts] = Field(default_factory=dict)
    """short hash → every model that was to serve in place of the run's own"""
    model: str | None = None
    """short hash of the one that does"""
    shadow: Shadowing | None = None
    orders: int = 0
    """carried out, of all kinds"""

    def serving(self, own: ModelFacts) -> ModelFacts:
        """The model of new workers; `own` is the run's."""
        return own if self.model is None else self.models[self.model]

    def all_models(self, own: ModelFacts) -> list[ModelFacts]:
        """Those that may have answered, the run's `own` first."""
        return list({own.short_hash: own, **self.models}.values())

    def known(self, short_hash: str) -> ModelFacts:
        """A model that was ordered, to serve or as a candidate. Raises KeyError for any other."""
        if self.shadow is not None and self.shadow.model.short_hash == short_hash:
            return self.shadow.model
        return self.models[short_hash]
