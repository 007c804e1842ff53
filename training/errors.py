"""Everything that can go wrong on purpose in the trainer.

TrainingError       exit 1
├── BadInput        an option, setting, folder or file is wrong; exit 2, one line that names it
├── Diverged        a training's loss or answers are not numbers any more; exit 1
├── Interrupted     Ctrl-C; exit 130, one line that says how to go on
├── ParityError     an exported file does not answer as the trained network does; exit 3
└── StepFailed      a step of the pipeline failed; its own exit code
"""

from __future__ import annotations

from pathlib import Path


class TrainingError(Exception):
    """Root of the tree. `str(error)` is one line, fit for a user."""

    exit_code = 1


class BadInput(TrainingError):
    """An option, setting, folder or file is wrong; the message names it."""

    exit_code = 2


class Diverged(TrainingError):
    """The loss of a training, or what its network answers, is not a number any more."""


class Interrupted(TrainingError):
    """Ctrl-C; the message says how to go on."""

    exit_code = 130


class ParityError(TrainingError):
    """An exported file and the network it came from disagree on real pictures."""

    exit_code = 3


class StepFailed(TrainingError):
    """A step of the pipeline failed; the message names it, its log and its last line."""

    def __init__(self, step: str, exit_code: int, log: Path, last_line: str) -> None:
        reason = last_line.removeprefix("error: ")
        super().__init__(f"{step} ended with exit code {exit_code}, see {log}: {reason}")
        self.exit_code = exit_code
