"""Options of `refit`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings


class RefitSettings(Settings):
    """Options of `refit`."""

    table = "refit"
    positional = "model"

    model: Path = Field(description="ONNX file whose network stays as it is")
    data: Path = Field(description="folder of class folders: labelled pictures to learn from")
    old_data: Path | None = Field(
        default=None,
        description="folder of class folders with what the model is not to forget, such as its "
        "training pictures",
    )
    old_weight: float = Field(gt=0, le=1, description="weight of an old picture ÷ a labelled one's")
    out: Path = Field(description="the ONNX file to write")
    report: Path | None = Field(default=None, description="JSON to write the figures to as well")
    precision: float = Field(gt=0, le=1, description="precision that the threshold has to reach")
    inverse_penalty: float = Field(
        gt=0, description="how far the answers may move; scikit-learn's C of logistic regression"
    )
    folds: int = Field(ge=2, le=20, description="parts, each judged by what the others teach")
    seed: int = Field(ge=0, description="seed of the parts")
