"""Where the processes of one machine meet: a folder of sockets that nobody else may enter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from line.errors import BadInput

ROLES = ("camera", "worker", "sink")
"""The dispatcher has a socket for each."""
FEED = "feed"
"""The dispatcher's socket for whoever looks on."""
SHADOW = "shadow"
"""The dispatcher's socket for a candidate that answers beside the model that decides."""
CONTROL = "control"
"""The supervisor's, for whoever gives orders; not of ZeroMQ."""
_PATH_BYTES = 107
"""Longest path that a Unix socket can have."""


def make_runtime_dir() -> Path:
    """A new folder with mode 0700, under XDG_RUNTIME_DIR if there is one.

    Raises:
        BadInput: if it cannot be made, or its path is too long for a socket.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    usable = base is not None and os.access(base, os.W_OK)
    try:
        path = Path(tempfile.mkdtemp(prefix="scrapline-", dir=base if usable else None))
    except OSError as error:
        raise BadInput(f"{error.filename or base}: {error.strerror}") from None
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
