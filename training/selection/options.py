"""Options of `select` and `simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from training.settings import Settings, Side

StrategyName = Literal[
    "random",
    "least_confidence",
    "margin",
    "entropy",
    "margin_diverse",
    "kmeans",
    "typiclust",
    "coreset",
]


class SelectSettings(Settings):
    """Options of `select`."""

    table = "select"
    positional = "pool"

    pool: Path = Field(description="folder of unlabelled pictures; sub-folders mean nothing")
    model: str = Field(
        description="ONNX file, run folder, checkpoint, state dict or `imagenet`; not for random"
    )
    backbone: str = Field(description="network of a bare state dict; torchvision's name")
    size_px: Side = Field(description="side of the square a bare network sees")
    strategy: StrategyName = Field(
        description="how to choose; see training/selection/strategies.py"
    )
    count: int = Field(ge=1, description="pictures to choose")
    labelled: Path | None = Field(
        default=None, description="folder of pictures that have a label: chosen around, not again"
    )
    out: Path = Field(description="CSV file to write: rank, path, score")
    seed: int = Field(ge=0, description="seed of lots and clusters")


class SimulateSettings(Settings):
    """Options of `simulate`."""

    table = "simulate"

    data: Path = Field(description="prepared folder with train/ and val/")
    out: Path = Field(description="folder for curve.csv, summary.json, curve.png and embeddings")
    weights: str = Field(
        description="network that embeds: state dict, checkpoint, ONNX file, `imagenet` or `none`"
    )
    backbone: str = Field(description="network of a bare state dict; torchvision's name")
    size_px: Side = Field(description="side of the square a bare network sees")
    strategies: tuple[str, ...] = Field(min_length=1, description="strategy to try, beside random")
    start: Literal["random", "kmeans", "typiclust"] = Field(
        description="first choice of strategies that go on from labelled pictures"
    )
    first: int = Field(ge=2, description="labels in the first round")
    step: int = Field(ge=1, description="labels in each further round")
    rounds: int = Field(ge=1, description="further rounds")
    seeds: int = Field(ge=2, description="campaigns per strategy")
    seed: int = Field(ge=0, description="the first of the seeds")
    inverse_penalty: float = Field(gt=0, description="scikit-learn's C of the logistic regression")
    full: bool = Field(description="train on all labels too, as the reference")
    share: float = Field(gt=0, le=1, description="share of the reference's accuracy to reach")
    end_to_end: int = Field(
        ge=0, description="seeds with which the whole network is trained as well; 0: none"
    )
    end_to_end_labels: int = Field(ge=2, description="at the budget nearest to so many labels")
    end_to_end_epochs: int = Field(ge=1, description="passes over those pictures")

    @field_validator("strategies")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = get_args(StrategyName)
        for name in names:
            if name not in known:
                text = f"{name}: not one of {', '.join(known)}"
                raise PydanticCustomError("strategy", "{text}", {"text": text})
        return names
