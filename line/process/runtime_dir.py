"""Where the processes of one machine meet: a folder of sockets that nobody else may enter.

A file in it names its run, with a token that only that run knows. So a runner removes what an
earlier one of the same run has left behind, and nothing else that the run's file may name; and
whoever looks for the line's socket does not speak to another's.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.own_file import read_regular

ROLES = ("camera", "worker", "sink")
"""The dispatcher has a socket for each."""
FEED = "feed"
"""The dispatcher's socket for whoever looks on."""
SHADOW = "shadow"
"""The dispatcher's socket for a shadow model that answers beside the model that decides."""
CONTROL = "control"
"""The supervisor's, for whoever gives orders; not of ZeroMQ."""
PLACED = "placed"
"""The dispatcher's socket for workers that a cluster has started on this machine; with keys."""
RUN_KEYS = "keys"
"""The folder of the keys that were made for the run."""
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


FILE = "owner.json"
PREFIX = "scrapline-"
_LARGEST_BYTES = 10_000


def new_token() -> str:
    """One that nobody can guess: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def mark(runtime_dir: Path, run_dir: Path, token: str) -> None:
    """Say in the folder which run's it is. Raises OSError if there is no room."""
    content = {"run_dir": str(run_dir), **_identity(run_dir), "token": token}
    write_atomically(runtime_dir / FILE, json.dumps(content).encode())


def is_marked(runtime_dir: Path, run_dir: Path) -> bool:
    """Whether it is a folder of sockets that this user's runner has made for the run."""
    return _mark_in(runtime_dir, run_dir) is not None


def remove_marked(runtime_dir: Path, run_dir: Path, token: str) -> bool:
    """Remove what an earlier runner of the run has left; False if it is not that, or is gone."""
    content = _mark_in(runtime_dir, run_dir)
    if content is None or not token or content.get("token") != token:
        return False
    shutil.rmtree(runtime_dir, ignore_errors=True)  # which follows no links
    return True


def _mark_in(runtime_dir: Path, run_dir: Path) -> dict[str, object] | None:
    try:
        found = runtime_dir.lstat()
        is_private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if not (runtime_dir.name.startswith(PREFIX) and is_private):
            return None
        if found.st_uid != os.geteuid():
            return None
        content = json.loads(read_regular(runtime_dir / FILE, _LARGEST_BYTES, only_ours=True))
        wanted = _identity(run_dir)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or any(content.get(k) != v for k, v in wanted.items()):
        return None
    return content


def _identity(run_dir: Path) -> dict[str, int]:
    """What a folder keeps when it is moved, and a copy of it does not have."""
    found = run_dir.stat()
    return {"device": found.st_dev, "inode": found.st_ino}
