"""`python -m producers.reader RUN_DIR MEMORY BYTES PARENT NICE`: reads pictures for a camera.

A line `camera sequence` comes in on stdin; when the picture lies in the shared memory, or cannot be
had, a line of JSON goes out on stdout: its height and width, or the error. It leaves when stdin
ends, and dies with the camera.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import sys
from pathlib import Path

import numpy as np

from line.errors import PictureError, ScraplineError
from line.own_file import LARGEST_JSON, read_regular
from line.pictures import Picture
from line.plain_text import plain
from line.process.priority import yield_process
from line.process.signals import die_with
from line.settings import Settings
from producers.sources import Source, open_source

_LONGEST_REASON = 900
"""Characters; a line has to go through a pipe in one piece."""
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Of mallopt(3)."""
_MOST_FREED_BYTES = 64 << 20
"""A larger block, or more than that at the end of the heap, is given back all the same."""


def main(arguments: list[str]) -> int:
    run_dir, memory_fd, most_bytes, parent, nice = arguments
    die_with(int(parent))
    yield_process(int(nice))
    keep_freed_memory()
    # What a library prints must not get in among the answers.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    path = Path(run_dir)
    settings = Settings.model_validate_json(read_regular(path / "settings.json", LARGEST_JSON))
    memory = mmap.mmap(int(memory_fd), int(most_bytes))
    try:
        source = open_source(settings, path)
    except ScraplineError as error:
        _say(answers, error=plain(str(error), _LONGEST_REASON))
        return int(error.exit_code)
    _say(answers, ready=True)
    limit = f"message.picture_mb = {int(most_bytes) / 1e6:g}"
    for question in sys.stdin:
        camera, seq = map(int, question.split())
        try:
            picture = _taken(source, camera, seq)
            if picture.nbytes > int(most_bytes):
                height_px, width_px = picture.shape[:2]
                size = f"{width_px}x{height_px} px, {picture.nbytes / 1e6:.1f} MB"
                raise PictureError(f"a picture of {size}, more than {limit}")
        except PictureError as error:
            _say(answers, error=plain(str(error), _LONGEST_REASON))
            continue
        np.frombuffer(memory, np.uint8, picture.nbytes).reshape(picture.shape)[:] = picture
        _say(answers, height_px=picture.shape[0], width_px=picture.shape[1])
    return 0


def _taken(source: Source, camera: int, seq: int) -> Picture:
    try:
        return source.picture(camera, seq)
    except MemoryError:
        raise PictureError("there is not enough memory for this picture") from None


def _say(fd: int, **facts: object) -> None:
    os.write(fd, json.dumps(facts, ensure_ascii=False).encode() + b"\n")


def keep_freed_memory() -> None:
    """Memory that is freed stays with this process; nothing where the C library is not glibc.

    By default large blocks go back to the kernel as soon as they are free. Each page of the next
    picture is then asked for anew, which takes as long as decoding it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MOST_FREED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _MOST_FREED_BYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
