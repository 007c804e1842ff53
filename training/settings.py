"""What the options of a command are made of; a module `options` beside each command declares them.

Their default values are defaults.toml.
"""

from __future__ import annotations

from os.path import expanduser
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from training.errors import BadInput

DEFAULTS = Path(__file__).with_name("defaults.toml")

Share = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=1024)]


def with_home(path: str | Path) -> str | Path:
    """`~` written out; that of a user whom nobody knows is left as it is."""
    text = str(path)
    return type(path)(expanduser(text)) if text.startswith("~") else path  # noqa: PTH111


class Settings(BaseModel):
    """Options of one command; frozen, finite, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    table: ClassVar[str]
    positional: ClassVar[str | None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _with_home(cls, value: object) -> object:
        """`~` written out in whatever names a path."""
        if isinstance(value, list | tuple):
            return tuple(map(cls._with_home, value))
        return with_home(value) if isinstance(value, str | Path) else value


def flag_name(field: str) -> str:
    """`batch_size` → `--batch-size`."""
    return "--" + field.replace("_", "-")


def best_of(path: Path) -> Path:
    """The checkpoint that a path means: a run folder's best one, or the file itself.

    Raises BadInput for a folder that holds none.
    """
    if not path.is_dir():
        return path
    if not (path / "best.pt").is_file():
        raise BadInput(f"{path}: no best.pt in it: not a run folder, or no epoch is done")
    return path / "best.pt"
