"""What travels with a model: which files belong to it, how large they are, and their SHA-256."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from training.errors import BadInput
from training.whole_file import file_sha256

NAME = "manifest.json"
MANIFEST_LIMIT_BYTES = 1 << 20
MODEL_LIMIT_BYTES = 1 << 32


class FileFacts(BaseModel):
    """One file: its plain name, without folders, and what it must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    size_bytes: Annotated[int, Field(ge=0, le=MODEL_LIMIT_BYTES)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @field_validator("file")
    @classmethod
    def _plain(cls, name: str) -> str:
        hidden = not name or name.startswith(".")
        if hidden or PurePath(name).name != name or "\\" in name or name == NAME:
            raise ValueError(f"{name!r} is not a plain file name")
        return name

    @classmethod
    def of(cls, path: Path) -> Self:
        return cls(file=path.name, size_bytes=path.stat().st_size, sha256=file_sha256(path))

    def check(self, path: Path) -> None:
        """Raise BadInput, saying what differs, unless `path` holds what it must."""
        if path.stat().st_size != self.size_bytes:
            raise BadInput(f"{path.stat().st_size} bytes, {NAME} says {self.size_bytes}")
        if (found := file_sha256(path)) != self.sha256:
            raise BadInput(f"SHA-256 is {found[:12]}…, {NAME} says {self.sha256[:12]}…")


class Manifest(BaseModel):
    """A model and what goes along with it. `model_format` is the file's `scrapline.format`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: str
    model_format: str
    files: tuple[FileFacts, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = [facts.file for facts in self.files]
        if PurePath(self.model).suffix != ".onnx":
            raise ValueError(f"model {self.model!r} is not an .onnx file")
        for needed, what in ((self.model, "model"), (self.card, "model's card")):
            if needed not in names:
                raise ValueError(f"the {what}, {needed}, is missing")
        if len(set(names)) < len(names):
            raise ValueError("names a file twice")
        return self

    @property
    def card(self) -> str:
        return str(PurePath(self.model).with_suffix(".md"))

    def encode(self) -> bytes:
        return (self.model_dump_json(indent=2) + "\n").encode()

    @classmethod
    def decode(cls, data: bytes, where: str) -> Self:
        """Raises BadInput with one line that begins with `where`."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            raise BadInput(f"{where}: {field + ': ' if field else ''}{message}") from error
