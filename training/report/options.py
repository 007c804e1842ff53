"""Options of `report`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings


class ReportSettings(Settings):
    """Options of `report`."""

    table = "report"
    positional = "folders"

    folders: tuple[Path, ...] = Field(
        min_length=1,
        description="folders of figures: prepared pictures, a training run, what export, quantize "
        "and evaluate wrote, a run of the line",
    )
    out: Path = Field(description="folder for performance_report.md and .html")
    model: Path | None = Field(
        default=None, description="the ONNX file; without it the one that the figures name"
    )
    made_by: str = Field(
        description="command that makes the model anew; empty: as the figures tell"
    )
    name: str = Field(description="title of the card; empty: the file's name")
