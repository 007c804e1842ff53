"""The folder of one run: made once, never mixed with another run's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.model_facts import FILE as MODEL_FILE
from line.model_facts import ModelFacts
from line.settings import Settings


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One line of processes.json; `since` is an ISO time, `ready` whether it serves yet."""

    name: str
    role: str
    pid: int
    incarnation: int
    since: str
    ready: bool


class RunFolder:
    """Paths and small files of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
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
        return cls(path)

    def make(self, settings: Settings, model: ModelFacts) -> None:
        """Create the folder with what the child processes read."""
        try:
            self.logs.mkdir(parents=True)
            (self.path / "settings.json").write_text(settings.model_dump_json(indent=1))
            (self.path / MODEL_FILE).write_text(model.model_dump_json(indent=1))
        except OSError as error:
            raise BadInput(f"{self.path}: {error.strerror or error}") from None

    def write_processes(self, entries: Iterable[ProcessEntry], control: Path | None = None) -> None:
        """processes.json: every living process, replaced in one step.

        `control`: the socket that orders are given at, while there is one.
        """
        processes = [asdict(entry) for entry in entries]
        open_at = {} if control is None else {"control": str(control)}
        self.write_json("processes.json", {"processes": processes, **open_at})

    def write_json(self, name: str, content: object) -> None:
        """Replace a JSON file in one step."""
        write_atomically(self.path / name, json.dumps(content, indent=1).encode())


def now_iso() -> str:
    """The wall clock's time, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
