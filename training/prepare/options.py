"""Options of `prepare`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings, Share


class PrepareSettings(Settings):
    """Options of `prepare`."""

    table = "prepare"
    positional = "source"

    source: Path | None = Field(
        default=None, description="folder with train/ and val/, or with one folder per class"
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
    copy_files: bool = Field(description="copy the pictures instead of hard-linking them")
