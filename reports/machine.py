"""What the machine did while the belt ran, as run.json has it; see `line.observe.machine`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from line.plain_text import plain

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=1e12)]


class Use(BaseModel):
    """Share of the cores, over seconds."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    mean: Share
    p95: Share


class MachineFacts(BaseModel):
    """See `Machine.facts`."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    cores: Annotated[float, Field(ge=0, le=1e6)]
    sampled_s: Seconds
    full_s: Seconds
    line: Use
    others: Use
    steal: Use
    triggers_ms: dict[str, float | None] | None = None
    limits: Annotated[
        list[Annotated[str, AfterValidator(lambda text: plain(text, 300))]], Field(max_length=10)
    ]
