"""OUT/pipeline.json: what was done, when, from what, to what."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pictures.picture_folder import is_passed_over
from training.errors import BadInput
from training.machine import describe_machine
from training.pipeline.step import Step
from training.report.sources import PIPELINE_FILE, read_json
from training.whole_file import replace_text

GONE = "gone"


def fingerprint(path: Path) -> str:
    """A file's SHA-256; a folder's, over the names, sizes and times of change of what is in it.

    Pictures of a folder are not read: there may be many. Hidden files, which file managers leave
    and change, do not count. What does not exist is `gone`.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return GONE


def _of_folder(root: Path) -> str:
    digest = hashlib.sha256()
    for name, stat in sorted(_files(root, ""), key=lambda file: file[0]):
        digest.update(os.fsencode(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n"))
    return digest.hexdigest()


def _files(root: Path, inside: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(root / inside) as entries:
        for entry in entries:
            if is_passed_over(entry.name):
                continue
            if entry.is_dir(follow_symlinks=inside.count("/") < 2):
                yield from _files(root, f"{inside}{entry.name}/")
            elif entry.is_file():
                yield f"{inside}{entry.name}", entry.stat()


FORMAT = 1


@dataclass(frozen=True)
class Done:
    """One step as it was run. `exit_code` is None while it runs, and if nobody saw it end.

    `inputs` and `outputs` are path → fingerprint.
    """

    step: str
    command: str
    configured: Mapping[str, Any]
    started: str
    inputs: Mapping[str, str]
    seconds: float = 0.0
    exit_code: int | None = None
    log: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    def same_work(self, step: Step) -> bool:
        """Whether it was this very command, with the same settings, on the same inputs."""
        return self.why_other_work(step) is None

    def why_other_work(self, step: Step) -> str | None:
        """What differs between this and what is to be done now, in words; None if nothing."""
        if self.command != step.command:
            return "its command is another"
        if self.configured != step.configured:
            return "--config says something else about it"
        changed = _changed(self.inputs, fingerprints(step.inputs))
        return f"{changed} has changed" if changed else None

    def why_not_done(self, step: Step) -> str | None:
        """Why the step has to run again, in words; None if it does not."""
        if other := self.why_other_work(step):
            return other
        if self.exit_code is None:
            return "it was cut off"
        if self.exit_code:
            return f"it ended with exit code {self.exit_code}"
        changed = _changed(self.outputs, fingerprints(step.outputs))
        return f"{changed} is not what it wrote" if changed else None


class Record:
    """The steps done so far, in order; written after each change."""

    def __init__(self, out: Path) -> None:
        self._file = out / PIPELINE_FILE
        self._done: dict[str, Done] = {}
        if self._file.is_file():
            self._read()

    def of(self, step: str) -> Done | None:
        """How a step was last run; None if it never was."""
        return self._done.get(step)

    def put(self, done: Done) -> None:
        """Note how a step was run."""
        self._done[done.step] = done
        self._write()

    def forget(self, steps: Iterable[str]) -> None:
        """Leave out steps that are no longer part of the pipeline."""
        for name in steps:
            self._done.pop(name, None)
        self._write()

    def _read(self) -> None:
        content = read_json(self._file)
        try:
            done = [Done(**step) for step in content["steps"]]
        except (KeyError, TypeError) as error:
            raise BadInput(f"{self._file}: not the record of a pipeline") from error
        self._done = {each.step: each for each in done}

    def _write(self) -> None:
        content = {
            "format": FORMAT,
            "machine": describe_machine(),
            "steps": [asdict(done) for done in self._done.values()],
        }
        replace_text(self._file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def fingerprints(paths: Iterable[Path]) -> dict[str, str]:
    """Path → fingerprint."""
    return {str(path): fingerprint(path) for path in paths}


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """The first path whose fingerprint is not what it was."""
    return next((path for path in now if before.get(path) != now[path]), None)
