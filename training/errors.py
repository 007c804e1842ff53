"""Everything that can go wrong on purpose in the trainer.

TrainingError       exit 1
├── BadInput        an option, setting, folder or file is wrong; exit 2, one line that names it
└── ParityError     an exported file does not answer as the trained network does; exit 3
"""

from __future__ import annotations


class TrainingError(Exception):
    """Root of the tree. `str(error)` is one line, fit for a user."""

    exit_code = 1


class BadInput(TrainingError):
    """An option, setting, folder or file is wrong; the message names it."""

    exit_code = 2


class ParityError(TrainingError):
    """An exported file and the network it came from disagree on real pictures."""

    exit_code = 3
