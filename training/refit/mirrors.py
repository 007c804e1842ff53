"""A picture and its mirror images, each a way to show it to a model."""

from __future__ import annotations

from dataclasses import dataclass

from training.evaluate.answers import Way, mirrored
from training.evaluate.engines import Answer
from training.evaluate.model_file import ModelFile
from training.pictures import Picture


@dataclass(frozen=True)
class Mirror(Way):
    """As it is (0), left-right (1), upside down (2), both (3)."""

    number: int = 0

    def ask(self, model: ModelFile, picture: Picture) -> Answer:
        """The answer has one row."""
        return model.engine.ask(list(mirrored(picture))[self.number][None])


MIRRORS = tuple(Mirror(number=number) for number in range(4))
"""As it is comes first."""
