"""Those logs that were asked for, as one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from rich.console import Console

from training.errors import BadInput
from training.metrics import Confusion
from training.train.options import TrainSettings

# Option, which is the package's name too → the version to install.
PACKAGES = {"tensorboard": "2.21.0", "wandb": "0.31.0"}


class Log(Protocol):
    """One program's record of one run."""

    def write(self, row: dict[str, float], confusion: Confusion) -> None:
        """Take in an epoch: its row of the history, its confusion on val."""

    def close(self) -> None:
        """Bring what is still in memory to the disk."""


def check_installed(settings: TrainSettings) -> None:
    """Raise BadInput that says what to install if a log asked for has no package."""
    for name in _asked_for(settings):
        if importlib.util.find_spec(name) is None:
            raise BadInput(f"--{name}: pip install {name}=={PACKAGES[name]} brings what it needs")


class RunLogs:
    """All logs of a run that begins after `done` epochs. One that fails is switched off."""

    def __init__(self, settings: TrainSettings, console: Console, done: int) -> None:
        self._console = console
        self._logs: dict[str, Log] = {}
        for name in _asked_for(settings):
            self._guarded(name, lambda name=name: self._open(name, settings, done))  # type: ignore[misc]

    def __enter__(self) -> RunLogs:
        return self

    def __exit__(self, *_: object) -> None:
        for name, log in list(self._logs.items()):
            self._guarded(name, log.close)

    def write(self, row: dict[str, float], confusion: Confusion) -> None:
        """Tell all logs of an epoch."""
        for name, log in list(self._logs.items()):
            self._guarded(name, lambda log=log: log.write(row, confusion))  # type: ignore[misc]

    def _open(self, name: str, settings: TrainSettings, done: int) -> None:
        self._logs[name] = _opened(name, settings, done)

    def _guarded(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # whatever it is, the run is worth more
            self._console.print(f"--{name} is switched off: {error}", markup=False)
            log = self._logs.pop(name, None)
            with suppress(Exception):
                if log is not None:
                    log.close()


def _asked_for(settings: TrainSettings) -> list[str]:
    return [name for name in PACKAGES if getattr(settings, name)]


def _opened(name: str, settings: TrainSettings, done: int) -> Log:
    if name == "tensorboard":
        from training.run_logs.tensorboard_log import TensorBoardLog

        return TensorBoardLog(settings, done)
    from training.run_logs.wandb_log import WandbLog

    return WandbLog(settings)
