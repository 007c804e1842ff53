"""What the line must know of a model, and what an answer must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, FiniteFloat, field_validator

from line.own_file import LARGEST_JSON, read_regular
from line.section import DEFAULT_ENGINE, EngineName, Fraction, Section
from pictures.class_names import complaint_about_names

SUM_TOLERANCE = 1e-3
"""The sum may be that far from 1; a probability that little below 0 or above 1 is rounding."""


def complaint_about_answer(probabilities: Sequence[float], names: Sequence[str]) -> str:
    """Why they are no answer; empty if they are one. `names`: of the classes, for the reason."""
    if len(probabilities) != len(names):
        return f"gives {len(probabilities)} probabilities for {len(names)} class names"
    low, high = -SUM_TOLERANCE, 1 + SUM_TOLERANCE
    is_whole = abs(sum(probabilities) - 1) < SUM_TOLERANCE  # not so where one is no number
    if is_whole and min(probabilities) >= low and max(probabilities) <= high:
        return ""
    for value, name in zip(probabilities, names, strict=True):
        if not math.isfinite(value):
            return f"gives {value} for {name!r}"
    for value, name in zip(probabilities, names, strict=True):
        if not low <= value <= high:
            return f"gives scores instead of probabilities: {value:.4g} for {name!r}"
    total = math.fsum(probabilities)
    if abs(total - 1) > SUM_TOLERANCE:
        return f"gives scores instead of probabilities: they sum to {total:.4g}, not 1"
    return ""


FILE = "model.json"
LONGEST_REASON = 1000
"""Characters that say why an engine was chosen."""


def short_hash(sha256: str, engine: str) -> str:
    """How rows name a model, with its engine where that is not the default."""
    own = sha256[:12]
    return own if engine == DEFAULT_ENGINE else f"{own}-{engine}"


class ModelFacts(Section):
    """Travels to all processes as `RUN_DIR/model.json`."""

    path: str = Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    classes: tuple[str, ...] = Field(min_length=1)
    threshold: Fraction | None = None
    """the model's own with this engine, where the settings leave it to the model: less sure stays
    on the belt"""
    engine: EngineName = DEFAULT_ENGINE
    engine_reason: str = Field(default="", max_length=LONGEST_REASON)
    """why this one; empty: it was set"""
    standby_threshold: Fraction | None = None
    """as `threshold`, with the default engine, which takes over where this one fails"""
    gives_energy: bool = False
    """whether its answers say how strange the picture is"""
    novelty_energy: FiniteFloat | None = None
    """the model's own limit of it, where the settings leave that to the model"""

    @field_validator("classes")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if complaint := complaint_about_names(names):
            raise ValueError(complaint)
        return names

    @property
    def short_hash(self) -> str:
        """How rows name the model."""
        return short_hash(self.sha256, self.engine)

    @property
    def told(self) -> dict[str, object]:
        """What run.json says of it."""
        return self.model_dump(include={"path", "sha256", "classes", "engine", "engine_reason"})

    @property
    def standby(self) -> ModelFacts | None:
        """The same file in the default engine; None if it is there already."""
        if self.engine == DEFAULT_ENGINE:
            return None
        changes = {"engine": DEFAULT_ENGINE, "engine_reason": "", "standby_threshold": None}
        return self.model_copy(update={**changes, "threshold": self.standby_threshold})

    @classmethod
    def load(cls, run_dir: Path) -> ModelFacts:
        return cls.model_validate_json(read_regular(run_dir / FILE, LARGEST_JSON))
