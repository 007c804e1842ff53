"""One life of the runner over a run: what the next one must know if this one is cut off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from line.errors import BadInput
from line.run_folder import RunFolder, now_iso
from line.standing import Standing

FILE = "session.json"


class Injected(BaseModel):
    """A fault of the scenario that was carried out."""

    number: int
    """in the settings' events"""
    at: str
    """wall clock, ISO"""


class Session(BaseModel):
    """Travels from runner to runner as `RUN_DIR/session.json`; counts go on over all of them."""

    number: int = 1
    runtime_dir: str
    incarnations: dict[str, int] = Field(default_factory=dict)
    """process → how often it was started"""
    restarts: dict[str, int] = Field(default_factory=dict)
    """role → unplanned restarts"""
    injected: list[Injected] = Field(default_factory=list)
    standing: Standing = Field(default_factory=Standing)

    @classmethod
    def load(cls, run_dir: Path) -> Session:
        """Raises BadInput, naming the file, if there is none or it is damaged."""
        path = run_dir / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None
        except ValidationError as error:
            raise BadInput(f"{path}: {error.errors()[0]['msg']}") from None

    def keep(self, folder: RunFolder) -> None:
        """Write it down. Raises OSError if there is no room."""
        folder.write_json(FILE, self.model_dump())

    def successor(self, runtime_dir: Path) -> Session:
        """The session of a runner that resumes the run."""
        return self.model_copy(
            update={"number": self.number + 1, "runtime_dir": str(runtime_dir)}, deep=True
        )

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
