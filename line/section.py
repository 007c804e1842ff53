"""What all tables of the configuration have in common, and the names that they use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["dispatcher", "worker", "camera", "sink"]
SINKS = ("csv_log", "alerts", "active_learning")
"""The sink processes, in the order in which an outcome reaches them: the CSV row is the truth."""

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A table of the configuration: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
