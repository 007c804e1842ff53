"""One child process as the supervisor sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

from line.config import ROOT
from line.errors import ExitCode
from line.process import context
from line.process.control_channel import ControlChannel, ControlMessage
from line.process.control_messages import NoteCheck, Speaker
from line.run_files.process_list import ProcessEntry, start_of
from line.run_files.run_folder import RunFolder, now_iso
from line.section import LOG
from line.settings import Role
from line.supervise import child_log
from line.supervise.restarts import Death

_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
"""Signals that a process is sent by somebody, and does not bring upon itself."""
_LAST_S = 0.5
"""From the end of a channel to the end of its process."""
_STOPS = os.WSTOPPED | os.WCONTINUED | os.WNOHANG
_MOST_STOPS = 4
"""Asked for at a time: the kernel keeps the last one alone."""
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Numpy would make a thread for each core in each process, and no process here has use for them."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process that the line needs: what it is called and which package's main it runs."""

    role: Role | Literal["console", "shadow", "placement"]
    name: str
    index: int
    module: str
    model: str = ""
    """short hash of the model that it loads; empty = the run's own"""

    @property
    def follows(self) -> bool:
        """A sink that reads what the log has written, at a pace of its own."""
        return self.role == "sink" and self.name != LOG

    @property
    def only_looks_on(self) -> bool:
        """The line does not wait for it and does not end without it."""
        return self.role in ("console", "shadow", "placement") or self.follows

    @property
    def speaker(self) -> Speaker:
        """As what it speaks to the supervisor."""
        match self.role:
            case "sink":
                return "follower" if self.follows else "log"
            case "console" | "shadow":
                return "observer"
            case "placement":
                return "placement"
            case role:
                return role

    @property
    def patience(self) -> float:
        """How many times `hang_s` it may be silent: an observer yields the processor to all."""
        return 5.0 if self.only_looks_on else 1.0


class Child:
    """A started process. It ends by itself, by `kill`, or when its channel breaks.

    Making one raises OSError if the machine cannot start it.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        incarnation: int,
        folder: RunFolder,
        runtime_dir: Path,
        rings: tuple[int, ...] = (),
    ) -> None:
        """`rings`: the memory of pictures that it is to know, see `ProcessContext`."""
        self.spec = spec
        self.incarnation = incarnation
        self.started = self.heard = monotonic()
        self.ready: float | None = None
        """monotonic time at which it said that it was ready"""
        self.last_words = ""
        """why it ended, if it said so"""
        self.rows_before = 0
        """rows that the log held when it became ready"""
        self.is_prepared = False
        """a camera that has the pictures which the belt is to begin with"""
        self.is_to_end = False
        """it was told to do what is left to do, and to end"""
        self._hung = False
        self._check = NoteCheck(spec.speaker)
        self._since = now_iso()
        self.channel, theirs = ControlChannel.pair()
        arguments = context.arguments(
            spec.role,
            spec.name,
            spec.index,
            incarnation,
            folder.path,
            runtime_dir,
            theirs.fileno(),
            spec.model,
            rings,
        )
        self.log = folder.logs / f"{spec.name}.log"
        try:
            with theirs:
                fds = (theirs.fileno(), *folder.inherited_fds, *rings)
                self._process = self._start(arguments, fds)
        except OSError:
            self.channel.close()
            raise
        self._start_ticks = start_of(self._process.pid)

    def _start(self, arguments: list[str], fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
        log = child_log.opened(self.log)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", self.spec.module, *arguments],
                cwd=ROOT,
                env={**_ONE_THREAD, **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone
            )
        finally:
            os.close(log)

    @property
    def identity(self) -> str:
        """`worker-0#2`: the name on the message plane."""
        return f"{self.spec.name}#{self.incarnation}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        return self.ready is not None

    @property
    def state(self) -> str:
        """What it is doing: starting, or ready to serve."""
        return "ready" if self.is_ready else "starting"

    @property
    def served_s(self) -> float:
        """Seconds since it became ready; 0 if it has not."""
        return 0.0 if self.ready is None else monotonic() - self.ready

    @property
    def entry(self) -> ProcessEntry:
        spec = self.spec
        return ProcessEntry(
            name=spec.name,
            role=spec.role,
            pid=self._process.pid,
            incarnation=self.incarnation,
            since=self._since,
            ready=self.is_ready,
            started=self._start_ticks,
        )

    def notes(self) -> list[ControlMessage]:
        """What the process has said since last asked, as far as it is fit to be handled."""
        said = [self._check.passed(note) for note in self.channel.receive()]
        notes = [note for note in said if note is not None]
        if notes:
            self.heard = monotonic()
        return notes

    @property
    def refused(self) -> int:
        """Lines and notes of the process that were counted and ignored."""
        return self.channel.malformed + self._check.refused

    def kill(self) -> None:
        """SIGKILL; also ends a stopped process."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)

    def kill_hung(self) -> None:
        """SIGKILL, because it does nothing; whether somebody has stopped it is noted before."""
        self._hung = not self._is_stopped
        self.kill()

    @property
    def _is_stopped(self) -> bool:
        """By SIGSTOP or a debugger."""
        try:
            state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return False
        return bool(state) and state[0] in "Tt"

    def stops(self) -> list[bool]:
        """What the kernel has to tell since last asked: True for a stop, False for going on."""
        told: list[bool] = []
        with suppress(ChildProcessError):
            while len(told) < _MOST_STOPS:
                found = os.waitid(os.P_PID, self._process.pid, _STOPS)
                if found is None:
                    break
                told.append(found.si_code == os.CLD_STOPPED)
        return told

    def freeze(self) -> None:
        """SIGSTOP: it stands still until `thaw`, or until it is killed as hung."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)

    def ended(self) -> str | None:
        """How the process ended, in words; None while it lives."""
        status = self._process.poll()
        if status is None and self.channel.broken:
            # The kernel closes the channel a moment before the process can be waited for.
            try:
                status = self._process.wait(_LAST_S)
            except subprocess.TimeoutExpired:
                self.kill()
                with suppress(subprocess.TimeoutExpired):  # the next look asks again
                    status = self._process.wait(_LAST_S)
        if status is None:
            return None
        if status < 0:
            return f"killed by {_signal_name(-status)}"
        return f"exit status {status}"

    @property
    def death(self) -> Death:
        """What ended the process. Only after it has `ended`."""
        status = self._process.poll()
        if self.spec.role == "placement":
            return Death.KILLED  # with its cluster
        if self._hung:
            return Death.CRASHED
        if status is None or -status in _FROM_OUTSIDE:
            return Death.KILLED
        return Death.CRASHED if status < 0 else Death.FAILED

    @property
    def succeeded(self) -> bool:
        """Ended with exit status 0."""
        return self._process.poll() == 0

    @property
    def gave_up(self) -> bool:
        """Ended because another start would not help."""
        return self._process.poll() == ExitCode.STAGE_DIED

    def close(self) -> None:
        self.channel.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # not every real-time signal has a name
        return f"signal {number}"
