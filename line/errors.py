"""Everything that can go wrong on purpose.

    ScraplineError
    ├── BadInput      a setting, file or argument is wrong: one line names it, exit 2
    │   └── NotAdopted  a model made elsewhere, which the line cannot run as it is
    ├── DecodeError   bytes from a socket are not a message: counted and ignored
    ├── PictureError  one picture cannot be read: its item is `failed`, the line goes on
    ├── ModelError    the model fails on a picture: its item is `failed`, the worker goes on
    ├── StorageError  a file of the run cannot be written now: a sink waits, gives up after long
    │   └── DiskFull  for want of room
    ├── FileChanged   another program changed a file that the line writes: exit 4
    └── StageDied     a whole stage is gone, its restart budget spent: exit 4

Nothing else is caught by type, but where others have a say: around decoders of pictures and graphs
of models, around orders from the control socket, and for files that a command cannot have
(`run_line.main`). An unknown exception is a bug and ends the process, which the supervisor restarts
and whose traceback stands in `RUN_DIR/logs/`.
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


class NotAdopted(BadInput):
    """A model that may be fine, but is no file of the line; `adopt` might make one of it."""


class DecodeError(ScraplineError):
    """Bytes that are not a well-formed message of the plane."""


class PictureError(ScraplineError):
    """A picture that cannot be read or is too large; the message names why."""


class ModelError(ScraplineError):
    """A model fails on a picture, or its answer is none.

    The text goes on from "the model", or from the path of its file: "gives nan for 'glass'".
    """


class StorageError(ScraplineError):
    """A file could not be written, and nothing was: the same may be tried again."""


class DiskFull(StorageError):
    """For want of room."""


class FileChanged(ScraplineError):
    """Another program has changed what the line writes, and rows that stood there are gone."""

    exit_code = ExitCode.STAGE_DIED


class StageDied(ScraplineError):
    """No process of a role is left and none may be restarted."""

    exit_code = ExitCode.STAGE_DIED
