"""The runs that there are: folders of one place, what their accounts say, and their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.inside import is_name, open_inside
from line.errors import BadInput
from line.process_list import living
from line.settings import Settings

_MOST = 500
"""Runs listed, the newest."""
REPORT = "report.html"


class Items(BaseModel):
    """Items fed, and those of them without a row."""

    model_config = ConfigDict(frozen=True)

    fed: int
    lost: int


class Accounts(BaseModel):
    """summary.json, as far as it is listed; shares in 0..1, None where there is none."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    scenario: str
    ended: str | None = None
    items: Items
    in_time_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    review_queue: int = 0
    workers: int | str = ""
    speed: float | str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder."""

    name: str
    path: Path
    began: datetime
    state: str
    """`running`, `cut off`, or how it ended: `finished`, `drained`, `stopped`, `died`"""
    accounts: Accounts | None
    """None before the run is accounted for"""
    title: str
    complaint: str = ""
    """what is wrong with its files"""

    @property
    def has_report(self) -> bool:
        return (self.path / REPORT).is_file()


class Shelf:
    """Run folders in `results`; `shown` names one that may lie elsewhere, or None."""

    def __init__(self, results: Path, shown: Callable[[], Path | None]) -> None:
        self._results = results
        self._shown = shown

    def folder(self, name: str) -> Path:
        """The run folder of that name. Raises BadInput if there is none."""
        shown = self._shown()
        if shown is not None and shown.name == name:
            return shown
        path = self._results / name
        if not is_name(name) or path.is_symlink() or not (path / "settings.json").is_file():
            raise BadInput(f"there is no run {name!r}")
        return path

    def open(self, name: str, file: str) -> BinaryIO:
        """A file of a run, to be read and closed. BadInput if there is none that may be seen."""
        return open_inside(self.folder(name), file)

    def names(self) -> list[str]:
        """All runs, the newest first."""
        found = {path.name: path for path in self._folders()}
        shown = self._shown()
        if shown is not None:
            found[shown.name] = shown
        return sorted(found, key=lambda name: _began(found[name]), reverse=True)[:_MOST]

    def runs(self) -> list[Run]:
        """All runs with what is known of them, the newest first."""
        return [read_run(self.folder(name)) for name in self.names()]

    def _folders(self) -> list[Path]:
        try:
            return [
                path
                for path in self._results.iterdir()
                if is_name(path.name)
                and not path.is_symlink()
                and (path / "settings.json").is_file()
            ]
        except OSError:
            return []


def read_run(path: Path) -> Run:
    """What is known of a run folder; never fails."""
    accounts, complaint = None, ""
    try:
        accounts = Accounts.model_validate_json((path / "summary.json").read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError):
        complaint = "summary.json is damaged"
    running = bool(living(path))
    ended = accounts.ended if accounts else None
    return Run(
        name=path.name,
        path=path,
        began=datetime.fromtimestamp(_began(path), UTC),
        state="running" if running else ended or "cut off",
        accounts=accounts,
        title=accounts.scenario if accounts else _title(path),
        complaint=complaint,
    )


def _title(path: Path) -> str:
    try:
        return Settings.model_validate_json((path / "settings.json").read_bytes()).title
    except (OSError, ValidationError):
        return path.name


def _began(path: Path) -> float:
    """Wall time of the run's first file, in seconds of the epoch; 0 if it is gone."""
    try:
        return (path / "settings.json").stat().st_mtime
    except OSError:
        return 0.0
