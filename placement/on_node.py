"""What runs on a node: what was sent is kept there, and jobs are done.

Ray is handed what stands in this module and in `placement.kept_worker`, so a node needs no part of
the project beforehand, and they import nothing but the standard library: the project's code comes
in a parcel, and is imported when it has been unpacked. What comes is kept by its hash, in a folder
of this user's own; a node that has it takes what it has.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
import tempfile
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import rmtree
from time import time
from uuid import uuid4

_MOST_KEPT = 20
_OLD_S = 7 * 86_400
"""So many models and versions of the code stay on a node, and those that were used so lately."""


def _home() -> Path:
    """A folder of this user's own on this node. Raises OSError if somebody else's is there."""
    path = Path(tempfile.gettempdir()) / f"scrapline-node-{os.geteuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o170077 != 0o040000:
        raise PermissionError(1, "is not a folder of this user alone", str(path))
    return path


def kept(parcel: tuple[str, str, bytes]) -> Path:
    """The file that a parcel holds, in a folder of its own, named by its hash.

    Raises OSError, and ValueError for a content that has another hash.
    """
    name, sha256, content = parcel
    path = _home() / sha256 / name
    if not path.exists():
        _check(sha256, content)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        temporary = path.with_name(f".{name}.{uuid4().hex}")
        temporary.write_bytes(content)
        temporary.replace(path)
        _remove_old()
    os.utime(path.parent)
    return path


def unpacked(parcel: tuple[str, str, bytes]) -> Path:
    """The folder with the modules of a parcel of code; raises as `kept` does."""
    _, sha256, content = parcel
    folder = _home() / sha256
    if not folder.exists():
        _check(sha256, content)
        temporary = Path(tempfile.mkdtemp(dir=_home()))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(temporary)
        with suppress(OSError):  # another worker of this node was first
            temporary.rename(folder)
        _remove_old()
    os.utime(folder)
    return folder


def _remove_old() -> None:
    """What nobody has asked for of late, as far as there is much of it."""
    with suppress(OSError):  # another worker of this node is at it
        used = sorted((path.stat().st_mtime, path) for path in _home().iterdir())
        for at, path in used[:-_MOST_KEPT]:
            if at < time() - _OLD_S:
                rmtree(path, ignore_errors=True)


def _check(sha256: str, content: bytes) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"what came under the hash {sha256[:12]} has another")


def lacks(wanted: dict[str, str]) -> str:
    """What of these packages is not here in this version, in words; empty if all are."""
    for name, there in wanted.items():
        here = _version(name) or _version(f"{name}-gpu")
        if not here:
            return f"{name} is not installed in {sys.executable}; the line has {name} {there}"
        if here != there:
            return f"has {name} {here}, and the line {there}"
    return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


_prepared = ""
"""What this process was last prepared for."""


def do(
    wanted: dict[str, str],
    code: tuple[str, str, bytes],
    start: tuple[str, bytes],
    jobs: bytes,
) -> bytes:
    """Some jobs in this process, with the project's code; results and errors as they are pickled.

    `start`: name and pickled (function, arguments) that a process calls before its first job.
    """
    global _prepared
    fault = lacks(wanted)
    if fault:
        raise RuntimeError(fault)
    folder = str(unpacked(code))
    if sys.path[0] != folder:
        sys.path.insert(0, folder)
    if _prepared != start[0]:
        function, arguments = pickle.loads(start[1])  # noqa: S301 - of the runner
        function(*arguments)
        _prepared = start[0]
    return pickle.dumps([function(*arguments) for function, arguments in pickle.loads(jobs)])  # noqa: S301
