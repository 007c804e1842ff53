"""One life of the runner over a run: what the next one must know if this one is cut off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from line.errors import BadInput
from line.own_file import LARGEST_JSON, read_regular
from line.run_files.run_folder import RunFolder, now_iso
from line.run_files.runtime_overrides import RuntimeOverrides
from line.validation_errors import damaged

FILE = "session.json"
_MOST = 1000
"""Processes; a line has a few hundred."""
_MOST_EVENTS = 10**5
_Name = Annotated[str, Field(min_length=1, max_length=80)]
_Count = Annotated[int, Field(ge=0, le=10**9)]


class Injected(BaseModel):
    """A fault of the scenario that was carried out."""

    number: int = Field(ge=0)
    """in the settings' events"""
    at: str = Field(max_length=80)
    """wall clock, ISO"""


class Session(BaseModel):
    """Travels from runner to runner as `RUN_DIR/session.json`; counts go on over all of them."""

    number: int = Field(default=1, ge=1, le=10**6)
    runtime_dir: str = Field(max_length=4096, pattern=r"^[^\x00]*$")
    token: str = Field(default="", pattern="^(?:[0-9a-f]{32})?$")
    """stands in the runtime folder as well, see `line.process.runtime_dir`"""
    incarnations: dict[_Name, _Count] = Field(default_factory=dict, max_length=_MOST)
    """process → how often it was started"""
    restarts: dict[_Name, _Count] = Field(default_factory=dict, max_length=_MOST)
    """role → unplanned restarts"""
    injected: list[Injected] = Field(default_factory=list, max_length=_MOST_EVENTS)
    overrides: RuntimeOverrides = Field(default_factory=RuntimeOverrides)

    _kept: str = PrivateAttr(default="")
    """what stands in the file"""

    @classmethod
    def load(cls, run_dir: Path, *, only_ours: bool = False) -> Session:
        """Raises BadInput, naming file and field, if there is none or it is damaged.

        With `only_ours` the file has to belong to this user.
        """
        path = run_dir / FILE
        try:
            return cls.model_validate_json(read_regular(path, LARGEST_JSON, only_ours=only_ours))
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None
        except ValidationError as error:
            raise damaged(path, error) from None

    def keep(self, folder: RunFolder) -> None:
        """Write it down, if anything is new. Raises OSError if there is no room."""
        text = self.model_dump_json(indent=1)
        if text != self._kept or not (folder.path / FILE).exists():
            folder.write_text(FILE, text)
            self._kept = text

    def successor(self, runtime_dir: Path, token: str) -> Session:
        """The session of a runner that resumes the run."""
        values = {**self.model_dump(), "number": self.number + 1}
        return Session.model_validate({**values, "runtime_dir": str(runtime_dir), "token": token})

    def next_incarnation(self, name: str) -> int:
        """Count one more start of a process; names stay unique over all sessions."""
        self.incarnations[name] = self.incarnations.get(name, 0) + 1
        return self.incarnations[name]

    def inject(self, number: int) -> bool:
        """Record that a fault is due; False if it was carried out before."""
        if any(done.number == number for done in self.injected):
            return False
        self.injected.append(Injected(number=number, at=now_iso()))
        return True


def elapsed_s(lanes: Collection[Mapping[str, Any]]) -> float:
    """Wall seconds of the belt at which all lanes go on, from what their cameras have kept.

    That is the first moment of which some lane has an item that does not stand in every sink. A
    lane that is done (`resume_s` None) does not count; if all are, it is where the last one ended.
    """
    open_lanes = [float(lane["resume_s"]) for lane in lanes if lane["resume_s"] is not None]
    if open_lanes:
        return min(open_lanes)
    return max((float(lane["reached_s"]) for lane in lanes), default=0.0)
