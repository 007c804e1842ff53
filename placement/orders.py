"""The supervisor's word to the process that places workers, and that process's word to it.

A thread of its own, because Ray may take its time, or for ever.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from select import select
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from line.model.facts import ModelFacts
from line.process.context import ProcessContext
from line.process.heartbeat import Heartbeat

_LOOK_S = 0.1
_FAREWELL_S = 3.0
"""To end the workers and leave the cluster, after which this process is killed."""
_HUNG_S = 120.0
"""So long Ray may keep the main thread."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many workers, with which model."""

    count: int
    model: Path
    sha256: str
    told: str
    """the model as rows name it, with its engine"""


class Orders:
    """`wanted`: the newest order, None before the first. `lost`: workers that the line gave up."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._beat = Heartbeat(context)
        self.wanted: Wanted | None = None
        self.lost: deque[str] = deque(maxlen=300)
        self.stop = Event()
        self.turned = monotonic()
        """when the main thread last came round"""
        self._facts: dict[str, Any] = {"connected": False, "nodes": 0, "cpus": 0.0, "workers": 0}
        self._incidents: deque[dict[str, str]] = deque(maxlen=100)

    def start(self) -> None:
        self._context.channel.send("ready")
        Thread(target=self._run, daemon=True).start()

    def report(self, *, connected: bool, nodes: int, cpus: float, workers: int) -> None:
        """How things stand: nodes that live, their processors, workers that were begun."""
        self._facts = {"connected": connected, "nodes": nodes, "cpus": cpus, "workers": workers}

    def tell(self, event: str, what: str, text: str) -> None:
        """Something happened that somebody should know of; `what`, once in the run."""
        self._incidents.append({"id": f"{event}-{what}", "event": event, "text": text})

    def _run(self) -> None:
        channel = self._context.channel
        leaving: float | None = None
        next_report = 0.0
        while True:
            for note in channel.receive():
                match note["kind"]:
                    case "workers":
                        model = ModelFacts.model_validate(note["model"])
                        self.wanted = Wanted(
                            note["count"], Path(model.path), model.sha256, model.short_hash
                        )
                    case "lost":
                        self.lost.append(note["worker"])
                    case "stop":
                        self.stop.set()
            if channel.broken:
                self.stop.set()
            if self.stop.is_set():
                leaving = leaving or monotonic()
            if (now := monotonic()) >= next_report:
                next_report = now + self._context.beat_s
                while self._incidents:
                    channel.send("incident", **self._incidents.popleft())
                self._beat.tell("placed", **self._facts)
            if now - self.turned > _HUNG_S or (leaving and now - leaving > _FAREWELL_S):
                end()
            if channel.broken:
                sleep(_LOOK_S)
            else:
                select([channel], [], [], max(_LOOK_S, next_report - now))


def end() -> None:
    """At once. What became of the cluster says nothing of this process: it is ended as by others.

    Ray ends a process that has lost its cluster after a minute, and keeps one that wants to end.
    """
    os.kill(os.getpid(), signal.SIGKILL)
