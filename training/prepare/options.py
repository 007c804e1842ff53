"""Options of `prepare`."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from training.settings import Settings, Share


class PrepareSettings(Settings):
    """Options of `prepare`."""

    table = "prepare"
    positional = "source"

    source: Path | None = Field(
        default=None,
        description="folder with one folder per class, or with train/, val/ or valid/, and test/",
    )
    trashnet: bool = Field(description="instead of a folder: TrashNet, downloaded and checked")
    archive: str = Field(
        description="with --trashnet: zip file, folder or address that has it; empty: the hub"
    )
    endpoint: str = Field(description="address of the hub; empty: HF_ENDPOINT, or the usual one")
    cache: Path = Field(description="folder that keeps what is downloaded")
    out: Path = Field(description="new folder for the prepared tree")
    seed: int = Field(ge=0, description="seed of the split")
    val_share: Share = Field(description="share of each class that goes to val/")
    test_share: Share = Field(description="share of each class that goes to test/")
    calibration_share: Share = Field(
        description="share of each class that goes to calibration/: held back from train/, so that "
        "`calibrate` has pictures that chose nothing"
    )
    keep_together: bool = Field(
        description="keep identical and nearly identical pictures in one part; of a folder that "
        "comes in parts, leave out of train/ what val/ or test/ has, and of val/ what test/ has"
    )
    near_bits: int = Field(
        ge=0, le=24, description="bits, of 64, in which hashes of nearly identical ones may differ"
    )
    near_correlation: float = Field(
        ge=0.5, le=1, description="least correlation of nearly identical ones, background removed"
    )
    group_by: str = Field(
        description="keep recordings in one part: level of a folder below the class folder (1 is "
        "the first), or a pattern (regular expression) whose match in the path below it is the "
        "recording's name; empty: no recordings"
    )
    skip_bad: bool = Field(description="leave out pictures that cannot be read")
    copy_files: bool = Field(description="copy the pictures instead of hard-linking them")

    @field_validator("group_by")
    @classmethod
    def _is_pattern(cls, by: str) -> str:
        try:
            re.compile(by)
        except re.error as error:
            reason = str(error)
            raise PydanticCustomError("pattern", "no pattern: {why}", {"why": reason}) from None
        return by
