"""Options of `pipeline`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from training.settings import Settings, Share

SKIPPABLE = ("prepare", "audit", "quantize", "calibrate", "evaluate", "line", "report")


class PipelineSettings(Settings):
    """Options of `pipeline`."""

    table = "pipeline"

    source: Path = Field(
        description="folder with one folder per class, or with train/, val/ or valid/, and test/"
    )
    out: Path = Field(description="folder for all that is made; a second start goes on in it")
    name: Annotated[str, Field(pattern=r"^[^/\\]+$")] = Field(
        description="name of the model, its file and its card"
    )
    skip_bad: bool = Field(description="leave out pictures that cannot be read")
    calibration_share: Share = Field(
        description="share of each class held back from train to calibrate on; 0: calibrate on val"
    )
    group_by: str = Field(
        description="recordings that `prepare` keeps in one part: a folder level or a pattern"
    )
    epochs: int | None = Field(
        default=None, ge=1, description="passes over the training pictures; else as `train` has it"
    )
    preset: str | None = Field(default=None, description="preset of `train`")
    weights: str | None = Field(
        default=None, description="state dict or checkpoint to start from, `imagenet` or `none`"
    )
    height_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="height of what the exported network sees; 0: as trained"
    )
    width_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="width of what the exported network sees; 0: as trained"
    )
    residue_class: str = Field(
        description="class that runs off the end of the belt; where there is none, all have bins"
    )
    line_speed: str = Field(description="the line's clock multiplier, or max: without deadlines")
    line_items: int = Field(ge=1, description="pictures fed to the line, at most")
    skip: tuple[str, ...] = Field(
        description=f"step to leave out: {', '.join(SKIPPABLE)}; without prepare, --source has to "
        "be a prepared folder"
    )

    @field_validator("skip")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in SKIPPABLE:
                known = ", ".join(SKIPPABLE)
                raise PydanticCustomError("step", "must be one of {known}", {"known": known})
        return names
