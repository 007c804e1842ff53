"""A source whose pictures are made by a process of its own, which may be killed.

A file may be half copied, on a disk that hangs, or made to take minutes; a camera of this computer
may say nothing for ever. So whoever reads them has so many seconds for each picture, and is
replaced when they are over. What it reads lies in memory that both processes see.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from line.config import ROOT
from line.errors import BadInput, PictureError
from line.pictures import Picture
from line.plain_text import plain
from line.process.memory import unnamed_memory
from line.settings import Settings
from producers.sources.source import ItemFacts, Source

_MOST_REPLY_BYTES = 4096
"""What a pipe takes in one piece."""


class SeparateSource:
    """Facts from `source`, which need not be open; pictures from `python -m producers.reader`.

    A picture is a view of the shared memory and holds until the next one is asked for.
    """

    def __init__(
        self, source: Source, settings: Settings, run_dir: Path, *, at_once: bool = True
    ) -> None:
        """Not `at_once`: the process is started for the first picture that is asked for."""
        self._source = source
        self.classes = source.classes
        self.length = source.length
        self.is_reproducible = source.is_reproducible
        self.is_exact = source.is_exact
        self._read_s = settings.source.read_s
        self._start_s = settings.supervisor.start_s
        self._most_bytes = settings.message.picture_bytes
        self._run_dir = run_dir
        self._memory_fd = unnamed_memory("scrapline-picture")
        os.ftruncate(self._memory_fd, self._most_bytes)
        self._memory = mmap.mmap(self._memory_fd, self._most_bytes, prot=mmap.PROT_READ)
        self._reader: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        if at_once:
            with contextlib.suppress(PictureError):  # it is tried again for each picture
                self._begin(settings.worker.nice)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """As the source tells them."""
        return self._source.facts(camera, seq)

    def check(self) -> None:
        """Wait until pictures can be had. Raises BadInput, saying why not."""
        try:
            self._await_ready()
        except PictureError as error:
            raise BadInput(str(error)) from None

    def picture(self, camera: int, seq: int) -> Picture:
        """Raises PictureError, also for one that takes too long or ends the process."""
        reader = self._await_ready()
        assert reader.stdin is not None
        try:
            reader.stdin.write(b"%d %d\n" % (camera, seq))
            reader.stdin.flush()
        except OSError:
            pass  # it is gone; its silence says so
        reply = self._reply(self._read_s)
        if reply is None:
            origin = self.facts(camera, seq).origin
            raise PictureError(
                f"{origin}: cannot be read: took longer than source.read_s = {self._read_s:g}"
            )
        if "error" in reply:
            raise PictureError(plain(str(reply["error"]), _MOST_REPLY_BYTES))
        if "died" in reply:
            origin = self.facts(camera, seq).origin
            raise PictureError(f"{origin}: cannot be read: its reader was {reply['died']}")
        height_px, width_px = int(reply["height_px"]), int(reply["width_px"])
        size = 3 * height_px * width_px
        levels = np.frombuffer(self._memory, np.uint8, size)
        return levels.reshape(height_px, width_px, 3)

    def close(self) -> None:
        """End the process. May be called twice."""
        self._end()
        self._source.close()
        if self._memory_fd >= 0:
            os.close(self._memory_fd)
            self._memory_fd = -1

    def _begin(self, nice: int = 0) -> None:
        """Start the process; one that a niced thread starts is as nice as that."""
        self._is_ready = False
        arguments = [self._run_dir, self._memory_fd, self._most_bytes, os.getpid(), nice]
        try:
            self._reader = subprocess.Popen(
                [sys.executable, "-m", "producers.reader", *map(str, arguments)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(self._memory_fd,),
            )
        except OSError as error:
            self._reader = None
            raise PictureError(f"no process to read pictures: {error.strerror}") from None

    def _await_ready(self) -> subprocess.Popen[bytes]:
        if self._reader is None:
            self._begin()
        assert self._reader is not None
        reader = self._reader
        if not self._is_ready:
            reply = self._reply(self._start_s)
            if reply is None:
                raise PictureError("no process to read pictures: it did not start in time")
            if "error" in reply:
                self._end()
                raise PictureError(plain(str(reply["error"]), _MOST_REPLY_BYTES))
            if "died" in reply:
                raise PictureError(f"no process to read pictures: it was {reply['died']}")
            self._is_ready = True
        return reader

    def _reply(self, within_s: float) -> dict[str, Any] | None:
        """What the process says; None, and its end, if that is nothing within so many seconds."""
        assert self._reader is not None
        assert self._reader.stdout is not None
        fd = self._reader.stdout.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        until = monotonic() + within_s
        while not poll.poll(1000 * max(0.0, until - monotonic())):
            if monotonic() >= until:
                self._end()
                return None
        said = os.read(fd, _MOST_REPLY_BYTES)
        if said:
            reply: dict[str, Any] = json.loads(said)
            return reply
        return {"died": self._end(patience_s=1.0)}

    def _end(self, patience_s: float = 0.0) -> str:
        """Kill the process if it does not end by itself in time; says how it ended."""
        reader, self._reader = self._reader, None
        if reader is None:
            return "ended"
        with contextlib.suppress(subprocess.TimeoutExpired):
            reader.wait(patience_s)
        if reader.poll() is None:
            reader.kill()
        for pipe in (reader.stdin, reader.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            status = reader.wait(1.0)
        except subprocess.TimeoutExpired:
            return "stuck"  # in a system call that nothing ends; it goes when that does
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"ended with status {status}"
