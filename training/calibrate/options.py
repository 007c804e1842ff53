"""Options of `calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from training.settings import Settings


class CalibrateSettings(Settings):
    """Options of `calibrate`."""

    table = "calibrate"
    positional = "model"

    model: Path = Field(description="ONNX file")
    data: Path | None = Field(
        default=None, description="folder of class folders that the model was not trained on"
    )
    like: Path | None = Field(
        default=None,
        description="instead of --data: calibrated twin, made alike from fewer pictures",
    )
    out: Path | None = Field(
        default=None, description="ONNX file to write; without it MODEL.calibrated.onnx"
    )
    in_place: bool = Field(description="replace the model itself")
    precision: float = Field(gt=0, le=1, description="precision that the threshold has to reach")
    coverage: float = Field(
        gt=0, lt=1, description="probability that a conformal set holds the true class"
    )
    or_best: bool = Field(
        description="where pictures are too few, all right or at chance: the best threshold there "
        "is, marked in the file, instead of none"
    )
    conformal: Literal["auto", "class", "marginal"] = Field(
        description="sets for each class by itself, for all together, or as the pictures allow"
    )
