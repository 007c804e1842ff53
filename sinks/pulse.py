"""A sign of life from a process that is busy with something long."""

from __future__ import annotations

from time import monotonic

from line.process.control_channel import ControlChannel

BEAT_S = 0.2


class Pulse:
    """Called again and again; sends the supervisor a heartbeat a few times a second."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel
        self._next = 0.0

    def __call__(self) -> None:
        now = monotonic()
        if now >= self._next:
            self._next = now + BEAT_S
            self._channel.send("beat")
