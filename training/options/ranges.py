"""Ranges that several commands' options share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=1024)]
