"""Options of `push` and `pull`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings


class PushSettings(Settings):
    """Options of `push`."""

    table = "push"
    positional = "model"

    model: Path = Field(description="ONNX file; what bears its name goes along, its card must")
    to: str = Field(description="hf://owner/name, hf://owner/name@revision, or a folder")
    endpoint: str = Field(description="address of the hub; empty: HF_ENDPOINT, or the usual one")
    private: bool = Field(description="a repository made by this push is yours alone")
    force: bool = Field(description="replace a model in a folder; a hub keeps the former by itself")


class PullSettings(Settings):
    """Options of `pull`."""

    table = "pull"
    positional = "source"

    source: str = Field(description="hf://owner/name, hf://owner/name@revision, address or folder")
    out: Path = Field(description="folder for the model, its card and what came along")
    endpoint: str = Field(description="address of the hub; empty: HF_ENDPOINT, or the usual one")
    force: bool = Field(description="replace files that are there")
