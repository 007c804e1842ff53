"""What the line must know of a model before it starts: read once by the runner, by hash after."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from line.model.class_names import complaint_about
from line.own_file import LARGEST_JSON, read_regular
from line.section import Fraction, Section

FILE = "model.json"


class ModelFacts(Section):
    """Travels to all processes as `RUN_DIR/model.json`."""

    path: str = Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    classes: tuple[str, ...] = Field(min_length=1)
    threshold: Fraction | None = None
    """the model's own, where the settings leave it to the model: less sure stays on the belt"""

    @field_validator("classes")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if complaint := complaint_about(names):
            raise ValueError(complaint)
        return names

    @property
    def short_hash(self) -> str:
        """How rows name the model."""
        return self.sha256[:12]

    @classmethod
    def load(cls, run_dir: Path) -> ModelFacts:
        return cls.model_validate_json(read_regular(run_dir / FILE, LARGEST_JSON))
