"""One step of a pipeline: a command, what it reads, what it writes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """One child process: `arguments` of the interpreter that runs the pipeline.

    `outputs` tell that it is done; whatever else it writes is in `folder`. `configured` is what the
    user's --config file says about it. A step that was cut off goes on with `resume` behind its
    arguments if `resumes_from` is there. `notes` are said before it begins; of what it prints the
    last line is said, or all if it `tells_all`.
    """

    name: str
    folder: Path
    arguments: tuple[str, ...]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    configured: Mapping[str, Any]
    resume: tuple[str, ...] = ()
    resumes_from: Path | None = None
    notes: tuple[str, ...] = ()
    tells_all: bool = False

    @property
    def command(self) -> str:
        """The command line, to be read and typed."""
        return shlex.join(["python", *self.arguments])
