"""A model file is looked at by a process of its own, while the line goes on."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from line.config import ROOT
from line.errors import BadInput
from line.model.facts import ModelFacts
from line.plain_text import plain
from line.section import EngineName

_PATIENCE_S = 55.0
"""Whoever gave the order waits a little longer for its answer."""
_MOST_BYTES = 1 << 20

OnEnd = Callable[[ModelFacts | BadInput], None]


class ModelCheck:
    """Calls `handle` once, with what the file is or what is wrong with it.

    The thresholds of `ModelFacts` are then what the file names, whatever the settings say.
    Something has to call `look` now and then, for a file that takes too long. Making one raises
    BadInput if the machine has no room for the process.
    """

    def __init__(
        self,
        path: Path,
        engine: EngineName,
        size: tuple[int, int] | None,
        selector: selectors.BaseSelector,
        handle: OnEnd,
    ) -> None:
        """`size`: height and width of the line's pictures; None where each has its own."""
        self._path = path
        self._selector = selector
        self._handle = handle
        self._said = b""
        self._until = monotonic() + _PATIENCE_S
        sides = map(str, size or (0, 0))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.check", str(path), engine, *sides],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the line's
            )
        except OSError as error:
            raise BadInput(f"{path}: cannot be looked at: {error.strerror or error}") from None
        assert self._process.stdout is not None
        self._out = self._process.stdout
        os.set_blocking(self._out.fileno(), False)
        selector.register(self._out, selectors.EVENT_READ, data=self._listen)

    def look(self) -> None:
        """End a check that takes too long."""
        if monotonic() > self._until:
            self.close()
            self._handle(BadInput(f"{self._path}: could not be loaded within {_PATIENCE_S:g} s"))

    def close(self) -> None:
        """End it; nobody is told."""
        self._selector.unregister(self._out)
        self._process.kill()
        self._process.wait()
        self._out.close()

    def _listen(self) -> None:
        chunk = self._out.read(1 << 16)
        if chunk:
            self._said = (self._said + chunk)[:_MOST_BYTES]
        elif chunk is not None:  # the end
            self.close()
            self._handle(self._found())

    def _found(self) -> ModelFacts | BadInput:
        """Whatever a process says that loads a model of anybody's."""
        try:
            said = json.loads(self._said)
            if "error" in said:
                return BadInput(plain(str(said["error"]), 1000))
            return ModelFacts.model_validate(said)
        except (ValueError, TypeError, RecursionError):
            return BadInput(f"{self._path}: the process that loaded it died")
