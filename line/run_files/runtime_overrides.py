"""What was ordered of the line while it ran, as far as it still holds.

It travels in session.json, so that restarted processes and resumed runs hold to it as well.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from line.belt_changes import MOST as MOST_CHANGES
from line.belt_changes import BeltChange, out_of_order
from line.model.facts import ModelFacts
from line.section import Fraction

MOST_MODELS = 100
"""Of one run; all are known to the dispatcher."""
_ShortHash = Annotated[str, Field(pattern="^[0-9a-f]{1,64}(?:-[a-z]{1,20})?$")]


class Shadowing(BaseModel):
    """A shadow model that answers for a share of the items beside the model that decides."""

    model: ModelFacts
    share: Fraction


class RuntimeOverrides(BaseModel):
    """Of one run, over all its sessions."""

    changes: list[BeltChange] = Field(default_factory=list, max_length=MOST_CHANGES)
    """of the belts, those of each kind ascending in time"""
    threshold: Fraction | None = None
    """in place of the settings'"""
    workers: int | None = Field(default=None, ge=0, le=256)
    """in place of the settings'"""
    models: dict[_ShortHash, ModelFacts] = Field(default_factory=dict, max_length=MOST_MODELS)
    """short hash → every model that was to serve in place of the run's own"""
    model: _ShortHash | None = None
    """short hash of the one that does"""
    shadow: Shadowing | None = None
    orders: int = Field(default=0, ge=0, le=10**9)
    """carried out, of all kinds"""

    @model_validator(mode="after")
    def _changes_ascend(self) -> RuntimeOverrides:
        place = out_of_order(self.changes)
        if place is not None:
            raise ValueError(f"changes.{place}.at_s: before an earlier change of its kind")
        return self

    @model_validator(mode="after")
    def _models_are_what_they_are_called(self) -> RuntimeOverrides:
        for name, model in self.models.items():
            if model.short_hash != name:
                raise ValueError(f"models.{name}: is {model.short_hash}")
        if self.model is not None and self.model not in self.models:
            raise ValueError(f"model: {self.model} is not among models")
        return self

    def serving(self, own: ModelFacts) -> ModelFacts:
        """The model of new workers; `own` is the run's."""
        return own if self.model is None else self.models[self.model]

    def all_models(self, own: ModelFacts) -> list[ModelFacts]:
        """Those that may have answered, the run's `own` first."""
        return list({own.short_hash: own, **self.models}.values())

    def known(self, short_hash: str) -> ModelFacts:
        """A model that was ordered, to serve or as a shadow. Raises KeyError for any other."""
        if self.shadow is not None and self.shadow.model.short_hash == short_hash:
            return self.shadow.model
        return self.models[short_hash]
