"""Options of `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from training.settings import Settings


class EvaluateSettings(Settings):
    """Options of `evaluate`."""

    table = "evaluate"
    positional = "model"

    model: Path = Field(description="ONNX or TorchScript file, checkpoint, or run folder")
    data: Path = Field(description="folder of class folders to judge by")
    out: Path = Field(description="folder for figures, charts and the page of errors")
    calibrate_on: Path | None = Field(
        default=None, description="folder of class folders to fit a temperature on"
    )
    novel: Path | None = Field(
        default=None, description="folder of pictures of other things, at any depth"
    )
    tta: bool = Field(description="average the picture's four mirror images; gain against cost")
    letterbox: bool = Field(description="pad instead of squashing; gain against cost")
    bins: int = Field(ge=2, le=100, description="bins of the calibration error")
    binning: Literal["mass", "width"] = Field(
        description="bins of as many pictures each, or of the same range of confidence"
    )
    precision: tuple[float, ...] = Field(
        description="precision to find the coverage for, above 0 and at most 1"
    )
    worst: int = Field(ge=0, le=500, description="surest errors shown on the page")

    @field_validator("precision")
    @classmethod
    def _shares(cls, wanted: tuple[float, ...]) -> tuple[float, ...]:
        for precision in wanted:
            if not 0 < precision <= 1:
                raise PydanticCustomError("share", "must be above 0 and at most 1")
        return wanted
