"""Options of `average`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings


class AverageSettings(Settings):
    """Options of `average`."""

    table = "average"
    positional = "checkpoints"

    checkpoints: tuple[Path, ...] = Field(
        min_length=1, description="run folders (their best.pt) or checkpoint files"
    )
    out: Path = Field(description="checkpoint to write")
