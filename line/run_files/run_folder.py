"""The folder of one run: made once, never mixed with another's, and what it tells from outside."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from line.atomic_file import sync_folder, write_atomically
from line.errors import BadInput
from line.model.facts import FILE as MODEL_FILE
from line.model.facts import ModelFacts
from line.plain_text import text_of
from line.run_files.process_list import FILE as PROCESSES_FILE
from line.run_files.process_list import ProcessEntry, ProcessList
from line.run_files.results import FILE, find_row, records
from line.settings import Settings

SETTINGS_FILE = "settings.json"


class RunFolder:
    """Paths and small files of a run."""

    def __init__(self, path: Path, *, survives_power_cut: bool = False) -> None:
        """`survives_power_cut`: what a resumed run needs is on the disk when it is written."""
        self.path = path
        self._sync = survives_power_cut
        self.logs = path / "logs"
        self.inherited_fds: tuple[int, ...] = ()
        """descriptors that every process of the run keeps open"""

    @classmethod
    def choose(cls, asked: Path | None, settings: Settings) -> RunFolder:
        """The folder asked for, or a fresh name under `results.dir`. Nothing is made yet.

        Raises:
            BadInput: if it cannot be used, or holds another run.
        """
        if asked is None:
            stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
            title = re.sub(r"[^\w.-]+", "_", settings.title)[:80]  # one part of a path
            base = Path(settings.results.dir).absolute() / f"{stamp}-{title}"
            asked = base
            for number in range(2, 1000):
                if not asked.exists():
                    break
                asked = base.with_name(f"{base.name}-{number}")
        path = asked.absolute()
        if path.exists() and not path.is_dir():
            raise BadInput(f"{path}: is not a folder")
        if path.is_dir() and any(path.iterdir()):
            raise BadInput(f"{path}: holds another run or other files; name an empty folder")
        parent = next(p for p in (path, *path.parents) if p.exists())
        if not parent.is_dir():
            raise BadInput(f"{path}: cannot be made, {parent} is not a folder")
        if not os.access(parent, os.W_OK):
            raise BadInput(f"{path}: cannot be made, {parent} is not writable")
        return cls(path, survives_power_cut=settings.results.survives_power_cut)

    def make(self, settings: Settings, model: ModelFacts) -> None:
        """Create the folder with what the child processes read."""
        try:
            self.logs.mkdir(parents=True)
            self.keep_settings(settings)
            self.write_text(MODEL_FILE, model.model_dump_json(indent=1))
            if self._sync:
                sync_folder(self.path.parent)
        except OSError as error:
            raise BadInput(f"{self.path}: {error.strerror or error}") from None

    def keep_settings(self, settings: Settings) -> None:
        """What the child processes go by. Raises OSError."""
        self.write_text(SETTINGS_FILE, settings.model_dump_json(indent=1))

    def write_processes(self, entries: Iterable[ProcessEntry], control: Path | None = None) -> None:
        """processes.json: every living process, replaced in one step.

        `control`: the socket that orders are given at, while there is one.
        """
        open_at = None if control is None else str(control)
        listed = ProcessList(processes=tuple(entries), control=open_at)
        text = listed.model_dump_json(indent=1, exclude_none=True)
        write_atomically(self.path / PROCESSES_FILE, text.encode())

    def write_json(self, name: str, content: object) -> None:
        """Replace a JSON file that a resumed run needs in one step. Raises OSError."""
        self.write_text(name, json.dumps(content, indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Replace a file that a resumed run needs in one step. Raises OSError."""
        write_atomically(self.path / name, text.encode(), sync=self._sync)


def now_iso() -> str:
    """The wall clock's time, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What cannot be read, for want of permission or else, is a BadInput that names it."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{error.filename or path}: {error.strerror or error}") from None


def classes_of(run_dir: Path) -> tuple[str, ...]:
    """The classes of the run's model, in its order. Raises BadInput if that is no run folder."""
    with reading(run_dir):
        if not (run_dir / FILE).is_file():
            raise BadInput(f"{run_dir}: not a run folder (no {FILE})")
    try:
        return ModelFacts.load(run_dir).classes
    except (OSError, ValidationError):
        raise BadInput(f"{run_dir / MODEL_FILE}: missing or damaged") from None


def row_of(run_dir: Path, frame_id: str) -> dict[str, str]:
    """One item's row of results.csv, as text by column.

    Raises:
        BadInput: if the file cannot be read or has no such item.
    """
    path = run_dir / FILE
    try:
        # Of any version of the line: whoever asks knows which columns there must be.
        found = find_row(path, frame_id, needed=(), follow_links=False)
        if found is not None:
            block, names = found
            for _, cells in records(block):
                return dict(zip(names, map(text_of, cells), strict=False))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from None
    raise BadInput(f"{run_dir}: has no item {frame_id!r} in {FILE}")
