"""The scenario's timed faults as a worker suffers them: being slow, and pictures that crash it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import sleep

from line.events import Poison
from line.messages import Frame
from line.process.control_channel import ControlMessage
from line.settings import Settings


class WorkerFaults:
    """`orders`: the supervisor's notes, a list that grows; the last one about slowness holds."""

    def __init__(self, settings: Settings, orders: Sequence[ControlMessage]) -> None:
        self._seed = settings.line.seed
        self._poisons = [event for event in settings.events if isinstance(event, Poison)]
        self._orders = orders

    def take(self, frame: Frame) -> None:
        """Die if the frame's picture is poison."""
        for poison in self._poisons:
            if poison.hits(self._seed, frame.camera, frame.seq, frame.scheduled_s):
                os.abort()

    def linger(self, inference_s: float) -> None:
        """Make an inference that took `inference_s` take as long as it shall."""
        factors = [order["factor"] for order in self._orders if order["kind"] == "slow"]
        if factors and factors[-1] > 1:
            sleep((factors[-1] - 1) * inference_s)
