"""What runs on a node: the actor that keeps one worker, and the function that does one job.

Ray is handed this module's text, so a node needs no part of the project beforehand, and nothing but
the standard library may be imported here: the project's code comes in a parcel, and is imported
when it has been unpacked. What comes is kept by its hash, in a folder of this user's own; a node
that has it takes what it has.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import rmtree
from threading import Lock, Thread
from time import monotonic, sleep, time
from typing import Any
from uuid import uuid4

LOOK_S = 0.25
ORPHAN_S = 10.0
"""Nobody looked at an actor for so long: its runner is gone or has others, and its worker ends."""
STOPPED_S = 3.0
"""A worker that somebody has stopped for so long is killed, and started again."""
_LEAVE_S = 4.0
"""A worker that is to leave may finish what it holds for so long."""
_MOST_KEPT = 20
_OLD_S = 7 * 86_400
"""So many models and versions of the code stay on a node, and those that were used so lately."""
_AGAIN_S = 1.0
"""Between the end of a worker and the start of the next one."""


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


class KeptWorker:
    """The actor: starts one worker process, again and again, until it is told to end or orphaned.

    The worker's keys are made here, in memory; its public one is told to whoever looks.
    """

    def __init__(
        self,
        wanted: dict[str, str],
        code: tuple[str, str, bytes],
        model: tuple[str, str, bytes],
    ) -> None:
        import ray

        self._life = uuid4().hex
        self._node = ray.get_runtime_context().get_node_id()
        self._host = ray.util.get_node_ip_address()
        self._looked = monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._terms: tuple[str, str, bytes, str, int] | None = None
        self._lock = Lock()
        self._said = ""
        self._public = b""
        self._stopped_since: float | None = None
        self._fault = lacks(wanted)
        if self._fault:
            return
        try:
            self._code = unpacked(code)
            self._model = kept(model).parent
        except (OSError, ValueError) as error:
            self._fault = str(error)
            return
        sys.path.insert(0, str(self._code))
        from line.remote.curve import new_pair

        self._pair = new_pair()
        self._public = self._pair.public
        Thread(target=self._keep, daemon=True).start()

    def look(self) -> dict[str, Any]:
        """How it fares; to be asked again and again, for it is a sign of life to the actor, too."""
        self._looked = monotonic()
        return {
            "life": self._life,
            "public": self._public,
            "fault": self._fault,
            "begun": self._terms is not None,
            "said": self._said,
            "node": self._node,
            "host": self._host,
        }

    def begin(self, name: str, address: str, server: bytes, provider: str, nice: int) -> None:
        """Have a worker of this name serve the line at the address with this public key.

        `provider`: of ONNX Runtime. `nice`: how much the worker yields to others.
        """
        self._looked = monotonic()
        self._terms = name, address, server, provider, nice

    def take(self, model: tuple[str, str, bytes]) -> None:
        """Another model serves from now on: it is found there when the line asks for it."""
        self._model = kept(model).parent
        self.end_worker()

    def end_worker(self) -> None:
        """It is lost to the line: the next one may not be."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def leave(self) -> None:
        """No worker any more; the one that is there finishes what it holds."""
        self._terms = None
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            process = self._process
            if process is None:
                return
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _keep(self) -> None:
        """A thread; the kernel ends the worker with it."""
        next_start = 0.0
        while True:
            now = monotonic()
            if self._terms is not None and now - self._looked > ORPHAN_S:
                self._said = "nobody looked"
                self.leave()
            with self._lock:
                self._end_if_stopped(now)
                if self._process is not None and self._process.poll() is not None:
                    self._process = None
                if self._process is None and self._terms is not None and now >= next_start:
                    next_start = now + _AGAIN_S
                    self._start(*self._terms)
            sleep(LOOK_S)

    def _start(self, name: str, address: str, server: bytes, provider: str, nice: int) -> None:
        from line.remote.run_keys import FROM_INPUT, key_line

        options = ("--connect", address, "--keys", FROM_INPUT, "--model", str(self._model))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers", *options, "--provider", provider],
                cwd=self._code,
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._said = f"cannot be started: {error.strerror}"
            return
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, self._process.pid, os.nice(0) + nice)
        with suppress(OSError), self._process.stdin as keys:
            keys.write(key_line(name, self._pair, server))
        Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._said = line[:500].decode(errors="replace").strip() or self._said

    def _end_if_stopped(self, now: float) -> None:
        if self._process is None or not _is_stopped(self._process.pid):
            self._stopped_since = None
        elif self._stopped_since is None:
            self._stopped_since = now
        elif now - self._stopped_since > STOPPED_S:
            self._process.kill()


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False


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
