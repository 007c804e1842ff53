"""What the options of a command are made of; a module `options` beside each command declares them.

Their default values are defaults.toml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

DEFAULTS = Path(__file__).with_name("defaults.toml")

Share = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=1024)]


class Settings(BaseModel):
    """Options of one command; frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: ClassVar[str]
    positional: ClassVar[str | None] = None


def flag_name(field: str) -> str:
    """`batch_size` → `--batch-size`."""
    return "--" + field.replace("_", "-")
