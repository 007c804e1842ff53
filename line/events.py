"""The timed faults of a scenario: what breaks, when on the belt's clock, and for how long.

`action` says which kind a table is. Which items a fault hits depends on the seed and the item
alone, so a scenario breaks the same items each time.
"""

from __future__ import annotations

import zlib
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from line.section import SINKS, Role, Section

Index = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Timed(Section):
    at_s: float = Field(ge=0, description="belt time")


class _Lasting(_Timed):
    duration_s: float = Field(gt=0, le=86_400, description="belt time")

    @property
    def end_s(self) -> float:
        """Belt time at which it is over."""
        return self.at_s + self.duration_s

    def covers(self, belt_s: float) -> bool:
        """Whether it lasts at a belt time."""
        return self.at_s <= belt_s < self.end_s


class _OnProcess(Section):
    role: Role
    index: Index | Literal["csv_log", "alerts", "active_learning", "postgres", "mqtt"] = Field(
        default=0, description="number of the worker or camera, or the sink's name"
    )

    @model_validator(mode="after")
    def _index_fits_role(self) -> _OnProcess:
        if (self.role == "sink") != isinstance(self.index, str):
            wanted = f"one of {', '.join(SINKS)}" if self.role == "sink" else "a number"
            raise ValueError(f"index of role {self.role} must be {wanted}, not {self.index!r}")
        return self

    @property
    def process(self) -> str:
        """Name of the process it hits."""
        if self.role == "dispatcher":
            return "dispatcher"
        return str(self.index) if self.role == "sink" else f"{self.role}-{self.index}"


class _OnCamera(Section):
    role: ClassVar[Role] = "camera"
    index: Index = Field(default=0, description="number of the camera")

    @property
    def process(self) -> str:
        """Name of the process it hits."""
        return f"camera-{self.index}"


class _OnItems(_OnCamera, _Lasting):
    """Hits a share of one camera's items, chosen by lot."""

    share: Share = Field(description="of the items")
    action: str

    def hits(self, seed: int, camera: int, seq: int, belt_s: float) -> bool:
        """Whether an item is hit; `belt_s` is the belt time of its trigger."""
        if camera != self.index or not self.covers(belt_s):
            return False
        lot = zlib.crc32(f"{seed}/{camera}-{seq}/{self.action}/{self.at_s}".encode()) / 2**32
        return lot < self.share


class Kill(_OnProcess, _Timed):
    """SIGKILL to one process."""

    action: Literal["kill"]


class Freeze(_OnProcess, _Lasting):
    """SIGSTOP to one process, and SIGCONT unless it was replaced meanwhile."""

    action: Literal["freeze"]


class Slow(_Lasting):
    """A worker takes `factor` times as long for each inference."""

    role: ClassVar[Role] = "worker"
    action: Literal["slow"]
    index: Index = Field(default=0, description="number of the worker")
    factor: float = Field(gt=1, le=1000)

    @property
    def process(self) -> str:
        """Name of the process it hits."""
        return f"worker-{self.index}"


class Stall(_OnCamera, _Lasting):
    """A camera's pictures are held back until it is over; its triggers go on."""

    action: Literal["stall"]


class Dim(_OnCamera, _Lasting):
    """A camera's lamp gives only this share of its light."""

    action: Literal["dim"]
    share: Annotated[float, Field(ge=0, le=1)] = Field(description="of the light that is left")


class Drift(_OnCamera, _Timed):
    """A lane's belt runs at `factor` times its speed from here on: same items, other times."""

    action: Literal["drift"]
    factor: float = Field(ge=0.01, le=10)


class Surge(_OnCamera, _Lasting):
    """A lane is fed `factor` times as fast: same items, other times."""

    action: Literal["surge"]
    factor: float = Field(gt=1, le=100)


class Corrupt(_OnItems):
    """Pictures are damaged or cut short on their way out of the camera."""

    action: Literal["corrupt"]


class Poison(_OnItems):
    """Pictures that crash every worker that takes them on."""

    action: Literal["poison"]


Event = Annotated[
    Kill | Freeze | Slow | Stall | Dim | Drift | Surge | Corrupt | Poison,
    Field(discriminator="action"),
]
