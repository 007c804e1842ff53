"""Options of `quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from training.settings import Settings, Strength

Method = Literal["minmax", "percentile", "entropy"]


class QuantizeSettings(Settings):
    """Options of `quantize`."""

    table = "quantize"
    positional = "checkpoint"

    checkpoint: Path = Field(description="run folder (its best.pt) or checkpoint file")
    data: Path = Field(description="prepared folder: train/ sets the ranges, val/ judges")
    out: Path = Field(description="the ONNX file to write")
    report: Path = Field(description="folder for quantize.csv and quantize.json")
    height_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="height of what the network sees; 0: as trained"
    )
    width_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="width of what the network sees; 0: as trained"
    )
    methods: tuple[Method, ...] = Field(
        min_length=1, description="ways to find an activation's range, all tried"
    )
    pictures: int = Field(ge=1, le=2000, description="training pictures that set the ranges")
    extra: tuple[Path, ...] = Field(
        description="further folder of class folders, a quarter of the pictures that set the ranges"
    )
    max_drop: Strength = Field(description="accuracy on val that eight bits may cost")
    float_layers: int = Field(
        ge=0, description="layers left in float, at most, where tuning was not enough either"
    )
    or_float: bool = Field(description="write the float32 model where nothing keeps within it")
    tune_epochs: int = Field(
        ge=0,
        description="epochs of fine-tuning with rounding, where nothing else keeps within "
        "--max-drop; 0: none",
    )
    tune_rate: float = Field(gt=0, description="peak learning rate of that")
    seed: int = Field(ge=0, description="seed of the choice and order of pictures")
    threshold: Strength = Field(description="confidence below which nothing is ejected")
    provenance: str = Field(description="sentence on data, weights and licence, for the metadata")
