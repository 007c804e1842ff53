"""The actor that keeps one worker on a node. As in `placement.on_node`, a node needs none of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from placement.failed_starts import AGAIN_S, FailedStarts
from placement.on_node import kept, lacks, unpacked
from placement.own_machine import OwnMachine, close, open_memory

_LOOK_S = 0.25
ORPHAN_S = 10.0
"""Nobody looked at an actor for so long: its runner is gone or has others, and its worker ends."""
_STOPPED_S = 3.0
"""A worker that somebody has stopped for so long is killed, and started again."""
_LEAVE_S = 8.0
"""A worker that is to leave may finish what it holds for so long."""
_LAST_WORDS_S = 0.5
"""For the last line of a worker that has ended to be read."""


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
        self._looked = monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._terms: tuple[str, str, bytes, int, OwnMachine | None] | None = None
        self._address = ""
        self._lock = Lock()
        self._said = ""
        self._public = b""
        self._stopped_since: float | None = None
        self._started = self._next_start = 0.0
        self._failed = FailedStarts()
        self._hearing: Thread | None = None
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
            "failure": self._failed.reason,
            "begun": self._terms is not None,
            "said": self._said,
            "alive_s": 0.0 if self._process is None else monotonic() - self._started,
            "address": self._address,
            "node": self._node,
        }

    def begin(
        self, name: str, address: str, server: bytes, nice: int, own: OwnMachine | None
    ) -> None:
        """Have a worker of this name serve the line at the address with this public key.

        `nice`: how much the worker yields to others. `own`: the line's machine, if workers on it
        are to use its memory.
        """
        self._looked = monotonic()
        self._terms = name, address, server, nice, own

    def take(self, model: tuple[str, str, bytes]) -> None:
        """Another model serves from now on: it is found there when the line asks for it."""
        self._model = kept(model).parent
        self._failed.forget()
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
        while True:
            now = monotonic()
            if self._terms is not None and now - self._looked > ORPHAN_S:
                self._said = "nobody looked"
                self.leave()
            with self._lock:
                self._end_if_stopped(now)
                if self._process is not None and (status := self._process.poll()) is not None:
                    self._process = None
                    self._note_end(status, now)
                if self._process is None and self._terms is not None and now >= self._next_start:
                    self._started, self._next_start = now, now + AGAIN_S
                    self._start(*self._terms)
            sleep(_LOOK_S)

    def _note_end(self, status: int, now: float) -> None:
        if self._hearing is not None:
            self._hearing.join(_LAST_WORDS_S)
        rest_s = self._failed.note(status, self._said, now - self._started)
        self._next_start = max(self._next_start, now + rest_s)

    def _start(
        self, name: str, address: str, server: bytes, nice: int, own: OwnMachine | None
    ) -> None:
        from line.remote.run_keys import FROM_INPUT, key_line

        memory = () if own is None else open_memory(own)
        self._address = own.address if own is not None and memory else address
        options = ["--connect", self._address, "--keys", FROM_INPUT, "--model", str(self._model)]
        if memory:
            options.append(f"--rings={','.join(map(str, memory))}")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers", *options],
                cwd=self._code,
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=memory,
            )
        except OSError as error:
            self._said = f"cannot be started: {error.strerror}"
            return
        finally:
            close(memory)
        self._said = ""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, self._process.pid, os.nice(0) + nice)
        with suppress(OSError), self._process.stdin as keys:
            keys.write(key_line(name, self._pair, server))
        self._hearing = Thread(target=self._hear, args=(self._process,), daemon=True)
        self._hearing.start()

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
        elif now - self._stopped_since > _STOPPED_S:
            self._process.kill()


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False
