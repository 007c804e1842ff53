"""`camera-N.statistics`: what each picture of a lane was like, five bytes an item, by its number.

The camera writes them before the frame leaves it, so that whoever reads an item's row finds them.
They are a function of the picture: an item that is photographed again writes the same. A record is
1 and the levels of `line.drift.statistics`; zeros stand for an item without a picture.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from line.drift.statistics import PICTURE_STATISTICS
from pictures.regular_file import open_regular

PictureLevels = tuple[int, ...]
"""Light, sharpness, red to green, blue to green; 0..255 each."""
NOTHING: tuple[None, ...] = (None,) * PICTURE_STATISTICS
_BYTES = 1 + PICTURE_STATISTICS
_IS_THERE = 1


def statistics_path(run_dir: Path, camera: int) -> Path:
    return run_dir / f"camera-{camera}.statistics"


class StatisticsWriter:
    """The camera's side. What cannot be written is not there: no picture waits for it."""

    def __init__(self, run_dir: Path, camera: int) -> None:
        self._fd = -1
        with suppress(OSError):
            path = statistics_path(run_dir, camera)
            self._fd = open_regular(path, os.O_WRONLY | os.O_CREAT)

    def write(self, seq: int, levels: PictureLevels) -> None:
        """Of the item's picture."""
        if self._fd >= 0:
            with suppress(OSError):
                os.pwrite(self._fd, bytes((_IS_THERE, *levels)), seq * _BYTES)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class StatisticsReader:
    """Of all lanes of a run; opens each file when it is first asked for."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._fds: dict[int, int] = {}

    def read(self, camera: int, seq: int) -> PictureLevels | tuple[None, ...]:
        """What the item's picture was like; `NOTHING` where that is not known."""
        fd = self._fds.get(camera, -1)
        if fd < 0:
            with suppress(OSError):
                fd = self._fds[camera] = open_regular(statistics_path(self._run_dir, camera))
        if fd < 0:
            return NOTHING
        try:
            record = os.pread(fd, _BYTES, seq * _BYTES)
        except OSError:
            return NOTHING
        if len(record) != _BYTES or record[0] != _IS_THERE:
            return NOTHING
        return tuple(record[1:])

    def close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()
