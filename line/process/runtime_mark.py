"""Whose a folder of sockets is: a file in it names the run, and a token that only that run knows.

So a runner removes what an earlier one of the same run has left behind, and nothing else that the
run's file may name; and whoever looks for the line's socket does not speak to another's.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from pathlib import Path

from line.atomic_file import write_atomically
from line.own_file import read_regular

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
