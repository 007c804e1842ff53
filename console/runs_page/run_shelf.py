"""The runs that there are: folders of one place, what their accounts say, and their files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from console.inside import is_name, open_inside
from console.run_end import RESUMED, how_it_ended, report_stands
from line.errors import BadInput
from line.own_file import LARGEST_JSON, read_regular
from line.run_files.process_list import ProcessList, living
from line.settings import Settings

_MOST = 500
"""Runs listed, the newest."""
_EARLIEST, _LATEST = 0.0, 4102444800.0
"""1970 and 2100, in seconds of the epoch: a file's time may be anything."""
_T = TypeVar("_T")


Count = Annotated[int, Field(ge=-(10**15), le=10**15)]


class Items(BaseModel):
    """Items fed, and those of them without a row."""

    model_config = ConfigDict(frozen=True)

    fed: Count
    lost: Count
    logged: Count = 0


class Amount(BaseModel):
    """So many items."""

    model_config = ConfigDict(frozen=True)

    items: Count


class Recovered(BaseModel):
    """Of the items whose class is known: fed, and gone where they belong."""

    model_config = ConfigDict(frozen=True)

    fed: Amount
    recovered: Amount


class Loss(BaseModel):
    """Recovery over all classes."""

    model_config = ConfigDict(frozen=True)

    all: Recovered


Share = Annotated[float, Field(ge=0, le=1)]


class Accounts(BaseModel):
    """summary.json, as far as it is listed; shares in 0..1, None where there is none."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    scenario: str
    ended: str | None = None
    items: Items
    in_time_rate: Share | None = None
    accuracy: Share | None = None
    purity: dict[str, Share | None] = {}
    recovery: dict[str, Share | None] = {}
    loss: Loss | None = None
    verdicts: dict[str, Count] = {}
    latency_ms: dict[str, float] | None = None
    throughput_t_per_h: Annotated[float, Field(ge=0, le=1e12)] | None = None
    review_queue: Count = 0
    workers: Count | str = ""
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
    def can_be_resumed(self) -> bool:
        return self.state in RESUMED

    @property
    def has_report(self) -> bool:
        return report_stands(self.path)


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
        if not is_name(name) or not _is_run(path):
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
        found = []
        for name in self.names():
            with suppress(BadInput):  # one that was removed at this moment
                found.append(read_run(self.folder(name)))
        return found

    def _folders(self) -> list[Path]:
        try:
            entries = list(self._results.iterdir())
        except OSError:
            return []
        return [path for path in entries if is_name(path.name) and _is_run(path)]


def read_run(path: Path) -> Run:
    """What is known of a run folder; never fails, and says what is wrong with its files."""
    complaints: list[str] = []
    accounts = _read(lambda: _accounts(path), "summary.json", complaints)
    title = path.name
    if accounts is not None:
        title = accounts.scenario
    elif (settings := _read(lambda: _settings(path), "settings.json", complaints)) is not None:
        title = settings.title
    running = bool(living(path))
    _read(lambda: ProcessList.read(path), "processes.json", complaints)
    ended = (accounts.ended if accounts else None) or how_it_ended(path)
    return Run(
        name=path.name,
        path=path,
        began=datetime.fromtimestamp(_began(path), UTC),
        state="running" if running else ended or "cut off",
        accounts=accounts,
        title=title,
        complaint="; ".join(complaints),
    )


def _read(read: Callable[[], _T], name: str, complaints: list[str]) -> _T | None:
    """What a file says; None, and a complaint, if it is not what it should be.

    One run that somebody has damaged, in whatever way, hides none of the others.
    """
    try:
        return read()
    except FileNotFoundError:
        return None
    except OSError as error:
        complaints.append(f"{name} {error.strerror or error}")
    except Exception:
        complaints.append(f"{name} is damaged, or of another version")
    return None


def _accounts(path: Path) -> Accounts:
    return Accounts.model_validate_json(read_regular(path / "summary.json", LARGEST_JSON))


def _settings(path: Path) -> Settings:
    return Settings.model_validate_json(read_regular(path / "settings.json", LARGEST_JSON))


def _is_run(path: Path) -> bool:
    """Whether it looks like a run's folder, whatever its files are worth."""
    try:
        return not path.is_symlink() and path.is_dir() and (path / "settings.json").exists()
    except OSError:  # one that may not be looked into
        return False


def _began(path: Path) -> float:
    """Wall time of the run's first file, in seconds of the epoch; 0 if it is gone."""
    try:
        return min(_LATEST, max(_EARLIEST, (path / "settings.json").stat().st_mtime))
    except OSError:
        return 0.0
