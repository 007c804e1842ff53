"""The camera's side of the process that makes its pictures ahead: `python -m producers.ahead`.

Nothing here waits. The process may die, hang or not start: then it is replaced, later each time,
and the camera makes its pictures itself meanwhile.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from line.config import ROOT
from line.drift.statistics import LEVELS, PICTURE_STATISTICS
from line.plain_text import plain
from line.process.control_channel import ControlChannel, ControlMessage
from line.process.priority import LOWEST
from line.run_files.picture_statistics import PictureLevels
from line.settings import Settings

_MOST_DEATHS = 8
"""In a row, each soon after its start: then it is not started again."""
_SERVED_S = 10.0
"""A process that still makes pictures so long after its start does not die of itself."""
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0
_LAST_S = 0.5
"""From the end of its channel to its own."""
_PATIENCE = 5.0
"""Times `hang_s` that it may be silent: it yields the processor to everybody."""
_HEAD = 5
"""Facts of a picture before what it is like."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that is asked for: of which item, at which trigger, to lie in which slot."""

    seq: int
    trigger_s: float
    slot: int


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one. Of no size: it could not be made, and whoever needs it finds out why."""

    seq: int
    size: int = 0
    height_px: int = 0
    width_px: int = 0
    crc32: int = 0
    levels: PictureLevels = ()


class Maker:
    """Starts the process and replaces it. `look` has to be called again and again."""

    def __init__(self, run_dir: Path, camera: int, settings: Settings, memory_fd: int) -> None:
        self._arguments = [str(run_dir), str(camera), str(memory_fd)]
        self._memory_fd = memory_fd
        self._picture_bytes = settings.message.picture_bytes
        supervisor = settings.supervisor
        self._start_s = supervisor.start_s
        self._hang_s = settings.source.read_s + _PATIENCE * supervisor.hang_s
        self._selector = selectors.DefaultSelector()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: ControlChannel | None = None
        self._due = 0.0
        """monotonic time of the next start"""
        self._started = self._heard = self._gone = 0.0
        self._owed = 0
        self._deaths_in_row = 0
        self._was_hung = False
        self._error = ""
        self._spent_before_s = self._spent_s = 0.0
        self._nice = 0
        self.is_ready = False
        self.is_given_up = False
        self.deaths = 0
        self.last_death = ""
        """how the last one ended, in words"""

    @property
    def processor_s(self) -> float:
        """Processor time that all of them took, as far as they have told."""
        return self._spent_before_s + self._spent_s

    def fileno(self) -> int:
        """Readable when the process has said something, or has died."""
        return self._selector.fileno()

    def ask(self, wanted: Iterable[Wanted]) -> None:
        """Have these made, in this order; only while it `is_ready`."""
        assert self._channel is not None
        items = [(one.seq, one.trigger_s, one.slot) for one in wanted]
        if not self._owed:
            self._heard = monotonic()
        self._owed += len(items)
        self._channel.send("make", items=items)

    def give_way(self) -> None:
        """From now on it yields the processor to everybody: the belt runs."""
        self._nice = LOWEST
        if self._channel is not None:
            self._channel.send("yield", nice=self._nice)

    def look(self) -> list[Made]:
        """What has been made since last asked; after a death all that was owed never comes."""
        if self._process is None:
            if not self.is_given_up and monotonic() >= self._due:
                self._start()
            return []
        made = self._heard_of()
        self._watch()
        return made

    def close(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            self._process = None
        self._drop_channel()
        self._selector.close()

    # -- the process --------------------------------------------------------------------------

    def _start(self) -> None:
        self._channel, theirs = ControlChannel.pair()
        with theirs:
            arguments = [*self._arguments, str(theirs.fileno()), str(os.getpid()), str(self._nice)]
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "producers.ahead", *arguments],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    pass_fds=(self._memory_fd, theirs.fileno()),
                    start_new_session=True,  # its priority is that of its session
                )
            except OSError as error:
                self._drop_channel()
                self._note_death(f"could not be started: {error.strerror or error}")
                return
        self._selector.register(self._channel.fileno(), selectors.EVENT_READ)
        self._started = self._heard = monotonic()
        self._error = ""

    def _heard_of(self) -> list[Made]:
        made: list[Made] = []
        if self._channel is None:
            return made
        try:
            for note in self._channel.receive():
                self._heard = monotonic()
                made += self._said(note)
        except (KeyError, TypeError, ValueError) as error:  # of another version, or broken
            self._error = f"said what nobody understands: {error}"
            assert self._process is not None
            self._process.kill()
        return made

    def _said(self, note: ControlMessage) -> list[Made]:
        match note["kind"]:
            case "ready":
                self.is_ready = True
            case "error":
                self._error = plain(str(note["text"]), 300)
            case "made":
                self._spent_s = float(note["processor_s"])
                made = [self._made(facts) for facts in note["pictures"]]
                self._owed = max(0, self._owed - len(made))
                if monotonic() - self._started > _SERVED_S:
                    self._deaths_in_row = 0
                return made
        return []

    def _made(self, facts: list[int]) -> Made:
        """Raises TypeError or ValueError for what is no list of whole numbers in their range."""
        numbers = [*map(int, facts)]
        levels = tuple(numbers[_HEAD:])
        seq, size, height_px, width_px, crc32 = [*numbers, 0, 0, 0, 0][:_HEAD]
        if min(facts) < 0 or size > self._picture_bytes or max(levels, default=0) >= LEVELS:
            raise ValueError("a number beyond its range")
        if levels and len(levels) != PICTURE_STATISTICS:
            raise ValueError("not the numbers of a picture")
        return Made(seq, size, height_px, width_px, crc32, levels)

    def _watch(self) -> None:
        assert self._process is not None
        if self._channel is not None and not self._channel.broken:
            if self._is_silent:
                self._was_hung = True
                self._process.kill()
            return
        if self._channel is not None:
            self._drop_channel()
            self._gone = monotonic()
        status = self._process.poll()
        if status is not None:
            self._process = None
            self._note_death("hung" if self._was_hung else self._error or _how(status))
        elif monotonic() > self._gone + _LAST_S:
            self._process.kill()

    @property
    def _is_silent(self) -> bool:
        """It should have said something by now."""
        silent_s = monotonic() - self._heard
        if not self.is_ready:
            return silent_s > self._start_s
        return self._owed > 0 and silent_s > self._hang_s

    def _note_death(self, how: str) -> None:
        self._spent_before_s, self._spent_s = self.processor_s, 0.0
        self.is_ready = self._was_hung = False
        self._owed = 0
        self.deaths += 1
        self._deaths_in_row += 1
        self.last_death = how
        self.is_given_up = self._deaths_in_row >= _MOST_DEATHS
        delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** (self._deaths_in_row - 1))
        self._due = monotonic() + delay_s

    def _drop_channel(self) -> None:
        if self._channel is None:
            return
        with suppress(KeyError):
            self._selector.unregister(self._channel.fileno())
        self._channel.close()
        self._channel = None
        self.is_ready = False


def _how(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"
