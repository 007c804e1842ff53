"""Options of `audit`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings, Side


class AuditSettings(Settings):
    """Options of `audit`."""

    table = "audit"
    positional = "data"

    data: Path = Field(description="folder of class folders, or with train/ and val/ (and test/)")
    model: Path | None = Field(
        default=None, description="checkpoint, run folder or ONNX file to judge labels with"
    )
    weights: str = Field(
        description="instead of --model: state dict file of --backbone, `imagenet` or `none`"
    )
    backbone: str = Field(description="with --weights: name of a torchvision model")
    size_px: Side = Field(description="with --weights: side of the square the network sees")
    device: str = Field(description="auto, cpu, cuda, cuda:1 …")
    out: Path = Field(description="folder for audit.html, audit.csv and audit.json")
    exclude_to: Path | None = Field(
        default=None, description="file to write for `train --exclude`: what to leave out"
    )
    exclude_label_errors: bool = Field(description="put likely label errors there too")
    strict: bool = Field(description="exit 1 for unreadable files and pairs across labels, splits")
    near_bits: int = Field(
        ge=0, le=24, description="bits, of 64, in which hashes of near duplicates may differ"
    )
    near_correlation: float = Field(
        ge=0.5, le=1, description="least correlation of near duplicates, background removed"
    )
    least_pictures: int = Field(ge=0, description="name classes with fewer pictures in a split")
    folds: int = Field(ge=2, le=20, description="parts, each judged by what the others teach")
    seed: int = Field(ge=0, description="seed of the parts")
    shown: int = Field(ge=0, description="findings of each kind on the screen")
    pictured: int = Field(ge=0, le=500, description="findings of each kind in audit.html")
