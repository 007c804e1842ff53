"""Options of `prepare`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.options.ranges import Share
from training.settings import Settings


class PrepareSettings(Settings):
    """Options of `prepare`."""

    table = "prepare"
    positional = "source"

    source: Path = Field(description="folder with train/ and val/, or with one folder per class")
    out: Path = Field(description="new folder for the prepared tree")
    seed: int = Field(ge=0, description="seed of the split")
    val_share: Share = Field(description="share of each class that goes to val/")
    test_share: Share = Field(description="share of each class that goes to test/")
    copy_files: bool = Field(description="copy the pictures instead of hard-linking them")
