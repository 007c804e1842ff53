"""Options of `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from training.settings import Settings


class ExportSettings(Settings):
    """Options of `export`."""

    table = "export"
    positional = "checkpoint"

    checkpoint: Path = Field(description="run folder (its best.pt) or checkpoint file")
    out: Path = Field(description="the ONNX file to write")
    torchscript: Path | None = Field(default=None, description="TorchScript file to write as well")
    fp16: Path | None = Field(
        default=None, description="ONNX file of half precision to write as well, for GPUs"
    )
    name: str = Field(description="title of the model card; empty: the file's name")
    height_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="height of what the network sees; 0: as trained"
    )
    width_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="width of what the network sees; 0: as trained"
    )
    threshold: float = Field(ge=0, le=1, description="confidence below which nothing is ejected")
    parity_pictures: int = Field(ge=1, description="pictures on which the files are compared")
    parity_limit: float = Field(gt=0, lt=1, description="largest allowed probability difference")
    provenance: str = Field(description="sentence on data, weights and licence, for the metadata")
