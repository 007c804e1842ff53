"""The folder of keys that let workers on other machines in.

::

    DIR/server.key, server.key_secret     the line's own pair
    DIR/workers/press.key                 public key of a worker that may come in
    DIR/for-press/                        to be carried to that worker's machine, and removed here:
        server.key, press.key_secret

Rotation renames what it replaces to `server.old.…` and `press.old.key`, and these stay valid until
they are removed: the line keeps its old pair as long as that is there, and a worker's folder made
meanwhile knows both. Files have mode 0600, folders 0700; a key that others can read is refused.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.remote.curve import Pair, read_certificate, write_certificates

_SERVER = "server"
_SUFFIXES = (".key", ".key_secret")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_OTHERS = 0o077


class LineKeys:
    """The line's end: its own pair, and who may come in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workers = folder / "workers"

    def pair(self) -> Pair:
        """The line's own pair. Raises BadInput naming a file that is missing or open to others."""
        old = self._folder / f"{_SERVER}.old.key_secret"
        return _read(old if old.exists() else self._folder / f"{_SERVER}.key_secret")

    def name_of(self, public: bytes) -> str | None:
        """The worker with this public key (Z85); None for a stranger. Read anew at each call."""
        for path in sorted(self._workers.glob("*.key")):
            try:
                if _read(path).public == public:
                    return path.name.split(".")[0]
            except BadInput:
                continue  # damaged, or others may have written it: it lets nobody in
        return None

    def names(self) -> list[str]:
        """The workers that may come in."""
        return sorted({path.name.split(".")[0] for path in self._workers.glob("*.key")})


@dataclass(frozen=True)
class WorkerKeys:
    """A worker's end. `servers`: public keys of which the line has one, the newest first."""

    name: str
    pair: Pair
    servers: tuple[bytes, ...]

    @classmethod
    def load(cls, folder: Path, name: str | None) -> WorkerKeys:
        """The keys of worker `name`, or of the only worker that the folder holds keys of.

        Raises:
            BadInput: naming the file or folder and what is wrong with it.
        """
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder of keys")
        found = sorted(path.stem for path in folder.glob("*.key_secret"))
        if name is None and len(found) != 1:
            several = f"the keys of {', '.join(found)}; choose with --name"
            raise BadInput(f"{folder}: holds {several if found else 'no secret key'}")
        name = name or found[0]
        pair = _read(folder / f"{name}.key_secret")
        public = (folder / f"{_SERVER}.key", folder / f"{_SERVER}.old.key")
        servers = tuple(_read(path).public for path in public if path.exists())
        if not servers:
            raise BadInput(f"{public[0]}: no such file; it is the line's public key")
        return cls(name, pair, servers)


def make(folder: Path, names: Sequence[str], *, rotate: bool) -> list[Path]:
    """Make the line's pair unless it is there, and a pair for each worker named.

    With `rotate` the pairs of these workers are replaced; without names, all pairs in the folder.

    Returns:
        The folders to be carried to the workers' machines.

    Raises:
        BadInput: if something would be overwritten, or a name cannot be a worker's.
    """
    keys = LineKeys(folder)
    known = keys.names()
    everything = rotate and not names
    chosen = known if everything else list(dict.fromkeys(names or ["remote"]))
    for name in chosen:
        _check_name(name)
        if name in known and not rotate:
            raise BadInput(f"{folder}/workers/{name}.key: exists; --rotate replaces it")
        if rotate and name not in known:
            raise BadInput(f"{folder}/workers/{name}.key: there is none to rotate")
    if everything and not known:
        raise BadInput(f"{folder}: holds no keys to rotate")
    replaced = [folder / "workers" / f"{name}.key" for name in chosen if name in known]
    if everything:
        replaced += [folder / f"{_SERVER}{suffix}" for suffix in _SUFFIXES]
    _check_way(replaced)
    with _workshop(folder) as workshop:
        makes_server = everything or not (folder / f"{_SERVER}.key_secret").exists()
        if makes_server:
            write_certificates(workshop, _SERVER)
        for name in chosen:
            _draft_carried(folder, workshop, name, makes_server=makes_server)
        # Only now, with everything written, does anything change its name.
        for path in replaced:
            path.rename(_old(path))
        if makes_server:
            for suffix in _SUFFIXES:
                (workshop / f"{_SERVER}{suffix}").rename(folder / f"{_SERVER}{suffix}")
        return [_put_in_place(folder, workshop, name) for name in chosen]


def _draft_carried(folder: Path, workshop: Path, name: str, *, makes_server: bool) -> None:
    """A worker's new pair, and the folder that will be carried to its machine."""
    carried = workshop / f"for-{name}"
    carried.mkdir()
    write_certificates(workshop, name)
    (workshop / f"{name}.key_secret").rename(carried / f"{name}.key_secret")
    public = folder.glob(f"{_SERVER}*.key")
    if makes_server:
        shutil.copy(workshop / f"{_SERVER}.key", carried)
        public = (path for path in [folder / f"{_SERVER}.key"] if path.exists())
    for path in public:
        shutil.copy(path, carried / (_old(path).name if makes_server else path.name))


def _put_in_place(folder: Path, workshop: Path, name: str) -> Path:
    carried = folder / f"for-{name}"
    shutil.rmtree(carried, ignore_errors=True)
    (workshop / carried.name).rename(carried)
    (workshop / f"{name}.key").rename(folder / "workers" / f"{name}.key")
    return carried


def _old(path: Path) -> Path:
    """What is replaced is kept under this name."""
    return path.with_suffix(f".old{path.suffix}")


def _check_way(replaced: Sequence[Path]) -> None:
    for path in map(_old, replaced):
        if path.exists():
            raise BadInput(f"{path}: still valid since the last rotation; remove it first")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadInput(f"--name {name}: expected up to 32 letters, digits, - or _, a letter first")
    if name == _SERVER or name.startswith("worker-"):
        raise BadInput(f"--name {name}: {_SERVER} and worker-… are names of the line's own")


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """The folder with its parts, and a place in it to make keys; whatever is made is 0600."""
    mask = os.umask(_OTHERS)
    try:
        (folder / "workers").mkdir(parents=True, exist_ok=True)
        for path in (folder, folder / "workers"):
            path.chmod(0o700)
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            yield Path(workshop)
    except OSError as error:
        raise BadInput(f"{error.filename or folder}: {error.strerror}") from None
    finally:
        os.umask(mask)


def _read(path: Path) -> Pair:
    """A key file that is nobody else's business."""
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    if mode & _OTHERS:
        raise BadInput(f"{path}: others may read or write it (mode {mode:04o}); chmod 600 it")
    return read_certificate(path)
