"""What all tables of the configuration have in common, and the names that they use."""

from __future__ import annotations

from os.path import expanduser
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Role = Literal["dispatcher", "worker", "camera", "sink"]
SINKS = ("csv_log", "alerts", "active_learning")
"""The sink processes, in the order in which an outcome reaches them: the CSV row is the truth."""

Fraction = Annotated[float, Field(ge=0, le=1)]
PathText = Annotated[str, AfterValidator(expanduser)]
"""A path, which may begin with `~`."""


class Section(BaseModel):
    """A table of the configuration: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
