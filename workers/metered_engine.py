"""An engine whose processor time is told apart from what else its worker does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from line.pictures import Picture
from line.process.processor_time import ProcessorTime
from workers.engine import Answers, Engine, Takes
from workers.model import Model


@dataclass(frozen=True, slots=True)
class MeteredEngine:
    """As `engine`; two reads of a clock a batch."""

    engine: Engine
    processor: ProcessorTime

    @property
    def metadata(self) -> dict[str, str]:
        return self.engine.metadata

    @property
    def takes(self) -> Takes:
        return self.engine.takes

    @property
    def gives_energy(self) -> bool:
        return self.engine.gives_energy

    def classify(self, batch: Picture) -> Answers:
        with self.processor.measure("inference"):
            return self.engine.classify(batch)


def metered(model: Model, processor: ProcessorTime) -> Model:
    """The model, whose inference from now on is billed as such."""
    return replace(model, engine=MeteredEngine(model.engine, processor))
