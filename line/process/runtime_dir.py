"""Where the processes of one machine meet: a folder of sockets that nobody else may enter."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from line.errors import BadInput

ROLES = ("camera", "worker", "sink")
"""The dispatcher has a socket for each."""
FEED = "feed"
"""The dispatcher's socket for whoever looks on."""
SHADOW = "shadow"
"""The dispatcher's socket for a shadow model that answers beside the model that decides."""
CONTROL = "control"
"""The supervisor's, for whoever gives orders; not of ZeroMQ."""
_PATH_BYTES = 107
"""Longest path that a Unix socket can have."""


def make_runtime_dir(bases: Sequence[Path] | None = None) -> Path:
    """A new folder with mode 0700, in the first of `bases` that will do.

    They are TMPDIR, /tmp and /var/tmp if none are given. XDG_RUNTIME_DIR is none of them: it is
    removed when its user logs out, and a line may well go on after that.

    Raises:
        BadInput: if it cannot be made in any, or its path is too long for a socket in all.
    """
    if bases is None:
        bases = _usual_bases()
    faults: list[str] = []
    for base in bases:
        try:
            return _made_in(base)
        except OSError as error:
            faults.append(f"{error.filename or base}: {error.strerror}")
        except BadInput as error:
            faults.append(str(error))
    raise BadInput(faults[0] if faults else "there is no folder for the sockets")


def _usual_bases() -> list[Path]:
    named = os.environ.get("TMPDIR")
    bases = [Path(named)] if named else []
    removed_at_logout = os.environ.get("XDG_RUNTIME_DIR") or "/run/user"
    return [
        base
        for base in (*bases, Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - made by mkdtemp
        if not base.is_relative_to(removed_at_logout)
    ]


def _made_in(base: Path) -> Path:
    """Raises OSError or BadInput."""
    mode = base.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise BadInput(f"{base}: anybody may remove what others keep there (no sticky bit)")
    path = Path(tempfile.mkdtemp(prefix="scrapline-", dir=base.absolute()))
    try:
        for role in ROLES:
            endpoint(path, role)
    except BadInput:
        path.rmdir()
        raise
    return path


def endpoint(runtime_dir: Path, role: str) -> str:
    """Address of the dispatcher's socket for a role, or of the feed.

    Raises:
        BadInput: if the path is too long.
    """
    path = runtime_dir / f"{role}.ipc"
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise BadInput(
            f"{path}: longer than the {_PATH_BYTES} bytes of a socket's path; set TMPDIR"
        )
    return f"ipc://{path}"
