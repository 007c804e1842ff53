"""What all contenders share: the frames, the model, the log, and how a run is measured.

A frame's row is "id,label,probability,moment", the moment on the monotonic clock that all processes
of a machine share. Every figure is read from these rows when the run is over; no contender counts
for itself. The clock runs from the first frame sent: starting and warming up are not part of it.

This module and the contenders run in the peers' own environment, which has none of the line's
packages but NumPy, ONNX Runtime and pyzmq.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.figures import figures
from benchmarks.speed.processor_time import family, total_s

WORKERS = 2
SIDE_PX = 224
_FRAMES_SEED = 7
_WARM_UP_FRAMES = 5
_START_S = 120.0
_SILENT_S = 15.0
"""A run whose log has not grown for so long is over, frames missing or not."""
_LOOK_S = 0.02

_SUBREAPER = 36
"""prctl's number: children of children that have ended stay below this process."""

Frames = NDArray[np.uint8]


def make_frames(count: int, seed: int = _FRAMES_SEED) -> Frames:
    """uint8 [count, 1, height, width, 3], the same ones in every process."""
    shape = (count, 1, SIDE_PX, SIDE_PX, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


class Classifier:
    """The model in one session, warm; its process is known as a worker from then on."""

    def __init__(self, model: str, folder: str, *, threads: int = 1, spin: bool = False) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        for frame in make_frames(_WARM_UP_FRAMES, seed=0):
            self(frame)
        Path(folder, f"worker-{os.getpid()}").touch()

    def __call__(self, frame: Any) -> tuple[int, float]:
        """The likeliest class and its probability. `frame`: an array, or the bytes of one."""
        picture = np.frombuffer(frame, np.uint8).reshape(1, SIDE_PX, SIDE_PX, 3)
        (probabilities,) = self._session.run([self._output], {self._input: picture})
        label = int(probabilities[0].argmax())
        return label, float(probabilities[0, label])


class Log:
    """Appends a row at a time, each with a write of its own."""

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).open("a", buffering=1)  # noqa: SIM115 – ends with its process

    def append(
        self, frame: int | str, label: int | str, probability: float, moment: float | None = None
    ) -> None:
        at = monotonic() if moment is None else moment
        self._file.write(f"{frame},{label},{probability:.6f},{at:.6f}\n")


@dataclass(frozen=True)
class Task:
    """What a contender is asked for. `rate` 0: as fast as it can; `kill_after` 0: nobody dies."""

    model: str
    frames: int
    rate: float = 0.0
    kill_after: int = 0


def task_from_environment() -> Task:
    """The driver tells a contender its task as JSON in PEERS_TASK."""
    return Task(**json.loads(os.environ["PEERS_TASK"]))


class Run:
    """One run of a contender: set up, `wait_for_workers`, `begin`, send as `due`, `wait_for_rows`.

    Context manager. At its end it prints the figures as a line of JSON, ends all that it has
    started and leaves the process: threads that wait for a dead peer keep nobody.
    """

    def __init__(self, task: Task | None = None) -> None:
        self.task = task_from_environment() if task is None else task
        self.model = self.task.model
        self.count = self.task.frames
        self._folder = tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True)
        self.folder = self._folder.name
        self.log_path = str(Path(self.folder, "rows.csv"))
        self.frames = make_frames(self.count)
        self.start: float | None = None
        self.facts: dict[str, Any] = {}
        """what a contender says of itself"""
        self._spent_s = 0.0
        ctypes.CDLL(None).prctl(_SUBREAPER, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        report = dict(self.facts)
        if self.start is not None:
            spent_s = total_s(os.getpid()) - self._spent_s
            report |= figures(Path(self.log_path), self.task, self.start, spent_s)
        if error is not None:
            report["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        print(json.dumps(report), flush=True)
        _end_children()
        self._folder.cleanup()
        os._exit(0 if error is None else 1)

    def workers(self) -> list[int]:
        """Their pids, in no order."""
        return [int(path.name.split("-")[1]) for path in Path(self.folder).glob("worker-*")]

    def wait_for_workers(self, count: int = WORKERS) -> None:
        """Raises TimeoutError."""
        deadline = monotonic() + _START_S
        while len(self.workers()) < count:
            if monotonic() > deadline:
                raise TimeoutError(f"not {count} workers within {_START_S:.0f} s")
            sleep(_LOOK_S)

    def begin(self) -> float:
        """Start the clock, and the killer if there is to be one. The moment on the clock."""
        if self.task.kill_after:
            victim = min(self.workers())
            Thread(target=self._kill, args=(victim,), daemon=True).start()
        self._spent_s = total_s(os.getpid())
        self.start = monotonic()
        return self.start

    def due(self, ids: Iterable[int] | None = None) -> Iterator[int]:
        """The frames' numbers, each when it is to be sent."""
        assert self.start is not None
        for number in range(self.count) if ids is None else ids:
            if self.task.rate:
                sleep(max(0.0, self.start + number / self.task.rate - monotonic()))
            yield number

    def wait_for_rows(self) -> None:
        """Until all rows are there, or nothing has come for long."""
        seen, changed = self._rows(), monotonic()
        while seen < self.count and monotonic() - changed < _SILENT_S:
            sleep(_LOOK_S)
            if (rows := self._rows()) != seen:
                seen, changed = rows, monotonic()

    def _kill(self, victim: int) -> None:
        while self._rows() < self.task.kill_after:
            sleep(0.003)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)

    def _rows(self) -> int:
        try:
            return Path(self.log_path).read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0


def free_port() -> int:
    """Of 127.0.0.1, at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_children() -> None:
    """All but multiprocessing's tracker, which frees what is shared and then ends by itself."""
    while others := [pid for pid in family(os.getpid()) if pid != os.getpid() and not _tracks(pid)]:
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _tracks(pid: int) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
