"""Everything that can go wrong on purpose.

    ScraplineError
    ├── BadInput      a setting, file or argument is wrong: one line names it, exit 2
    ├── DecodeError   bytes from a socket are not a message: counted and ignored
    ├── PictureError  one picture cannot be read: its item is `failed`, the line goes on
    ├── DiskFull      the results have no room: a sink waits, and gives up only after long
    └── StageDied     a whole stage is gone, its restart budget spent: exit 4

Nothing else is caught by type, but where others have a say: around decoders of pictures, around
orders from the control socket, and for files that a command cannot have (`run_line.main`). An
unknown exception is a bug and ends the process, which the supervisor restarts and whose traceback
stands in `RUN_DIR/logs/`.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the runner's exit status means."""

    OK = 0
    BAD_INPUT = 2
    UNACCOUNTED = 3
    STAGE_DIED = 4


class ScraplineError(Exception):
    """Root of the tree. `str(error)` is one line, fit for a user."""

    exit_code = ExitCode.STAGE_DIED


class BadInput(ScraplineError):
    """A setting, scenario, file or argument is wrong; the message names the field or the path."""

    exit_code = ExitCode.BAD_INPUT


class DecodeError(ScraplineError):
    """Bytes that are not a well-formed message of the plane."""


class PictureError(ScraplineError):
    """A picture that cannot be read or is too large; the message names why."""


class DiskFull(ScraplineError):
    """Nothing could be written for want of room, and nothing was: the same may be tried again."""


class StageDied(ScraplineError):
    """No process of a role is left and none may be restarted."""

    exit_code = ExitCode.STAGE_DIED
