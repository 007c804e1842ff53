"""Keys made for one run, for workers that the line itself has started on other machines.

The line's pair lies in a folder in the run's private one. A worker makes its pair in its own
memory; only its public key comes here, and lets it in until the run ends.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from line.atomic_file import replacing
from line.errors import BadInput
from line.remote.curve import Pair, is_key, public_certificate, write_certificates
from line.remote.keys import LineKeys, WorkerKeys

FROM_INPUT = "-"
"""In the place of a worker's folder of keys: they come by its standard input."""
_LONGEST_LINE = 4096


def make_run_keys(folder: Path) -> None:
    """A new pair for the line, and nobody who may come in. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "workers").mkdir(parents=True, mode=0o700)
    write_certificates(folder, "server")
    for path in folder.glob("server.*"):
        path.chmod(0o600)


def line_key(folder: Path) -> bytes:
    """The line's public key. Raises BadInput if there is none."""
    return LineKeys(folder).pair().public


def let_in(folder: Path, name: str, public: bytes) -> None:
    """From now on the worker with this public key (Z85) may come in, under that name.

    Raises BadInput if it is no key, OSError if it cannot be written down.
    """
    if not is_key(public):
        raise BadInput(f"{name}: what it calls its public key is none")
    with replacing(_path(folder, name)) as fd:
        os.fchmod(fd, 0o600)
        os.write(fd, public_certificate(public))


def shut_out(folder: Path, name: str) -> None:
    """The worker of that name is not let in any more; an open connection lasts."""
    _path(folder, name).unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / "workers" / f"{name}.key"


def key_line(name: str, pair: Pair, server: bytes) -> bytes:
    """A worker's keys, as `read_keys` takes them. `server`: the line's public key."""
    keys = (pair.public, pair.secret, server)
    return json.dumps([name, *(key.decode() for key in keys)]).encode() + b"\n"


def read_keys(stream: BinaryIO) -> WorkerKeys:
    """A worker's keys, from one line of its standard input. Raises BadInput."""
    try:
        name, *keys = json.loads(stream.readline(_LONGEST_LINE))
        public, secret, server = (key.encode() for key in keys)
        if not (isinstance(name, str) and all(map(is_key, (public, secret, server)))):
            raise ValueError
    except (ValueError, TypeError, AttributeError):
        raise BadInput("--keys -: standard input holds no keys") from None
    return WorkerKeys(name, Pair(public, secret), (server,))
