"""The memory in which pictures pass from the cameras to whoever reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from line.process.picture_ring import make_memory
from line.supervise.child import ProcessSpec

_READERS = ("dispatcher", "worker", "placement")


class PictureMemory:
    """One descriptor for each camera, kept for the length of the run.

    So a camera's successor, and a worker that is started later, know the same memory.
    """

    def __init__(self, specs: Iterable[ProcessSpec]) -> None:
        """Without memory or descriptors there is none, and pictures travel in the messages."""
        cameras = sorted(spec.index for spec in specs if spec.role == "camera")
        self._fds: list[int] = []
        with suppress(OSError):
            for _ in range(max(cameras, default=-1) + 1):
                self._fds.append(make_memory())

    def known_to(self, spec: ProcessSpec) -> tuple[int, ...]:
        """The descriptors that a process inherits: in the order of the cameras, or a camera's."""
        if spec.role in _READERS:
            return tuple(self._fds)
        return tuple(self._fds[spec.index : spec.index + 1]) if spec.role == "camera" else ()

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.pop())
