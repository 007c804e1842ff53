"""A dispatcher over real sockets, and all the parts that it speaks to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar

from line.config import load
from line.dispatch.decision_rules import DecisionRules
from line.dispatch.dispatcher import Dispatcher
from line.dispatch.ledger import Ledger, Rules
from line.messages import (
    Buffer,
    Frame,
    Hello,
    Message,
    Result,
    Welcome,
)
from line.model.facts import ModelFacts
from line.outcome import Outcome, Verdict
from line.process.context import ProcessContext
from line.process.control_channel import ControlChannel, ControlMessage
from line.process.hub import Hub
from line.process.link import Link
from line.process.runtime_dir import endpoint
from line.section import LOG as LOG

PATIENCE_S = 300.0
CLASSES = ("glass", "metal")
ALERTS, REVIEW = "alerts", "active_learning"
PIXELS = bytes(range(18))
FRAME = Frame(0, 0, 0.5, 1.0, 1.0, math.inf, "glass", 210.0, "raw", 2, 3, 7)
MODEL = "0" * 12
RESULT = Result(0, 0, (0.9, 0.1), 1.0, 0.01, MODEL)
ROW = Outcome(
    camera=0, seq=0, scheduled_s=0.5, true_class=None, verdict=Verdict.EXPIRED, mass_g=1.0
)
T = TypeVar("T")


class Peer:
    """A process other than the dispatcher: its link, and what it has been told."""

    def __init__(self, folder: Path, role: str, name: str, incarnation: int = 1) -> None:
        self.role, self.name = role, name
        self.identity = f"{name}#{incarnation}"
        self.hello = Hello(role, name, incarnation, credit=4)
        self.link = Link(endpoint(folder, role), self.identity)
        self.inbox: list[tuple[Message, bytes | None]] = []

    def say(self, message: Message, payload: Buffer | None = None) -> None:
        self.link.send(message, payload)

    def listen(self) -> None:
        for message, payload in self.link.receive():
            self.inbox.append((message, None if payload is None else bytes(payload)))


class Stage:
    """A dispatcher in its folder, its supervisor, and whoever else is called for."""

    def __init__(self, folder: Path, *assignments: str, memory: Sequence[int] = ()) -> None:
        """With `transport.listen` and `transport.keys` set it has a remote socket.

        `memory`: of the cameras.
        """
        self.folder = folder
        self.memory = tuple(memory)
        self.settings = load(assignments=assignments, environment={})
        self.peers: list[Peer] = []
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        for peer in self.peers:
            peer.link.__exit__(None, None, None)
        self._end()

    def restart(self) -> None:
        """A dispatcher that knows nothing, at the same address."""
        self._end()
        self._start()

    def context(self, role: str, name: str, channel: ControlChannel) -> ProcessContext:
        facts = ModelFacts(path="a.onnx", sha256="0" * 64, classes=CLASSES)
        return ProcessContext(
            role, name, 0, 1, self.folder, self.folder, self.settings, facts, channel, self.memory
        )

    def _start(self) -> None:
        self.supervisor, theirs = ControlChannel.pair()
        self._channel = ControlChannel(theirs)
        self.hub = Hub(self.folder, self.settings.message, self.settings.transport)
        rules = Rules(self.settings.worker.lease_s, attempts=3)
        judge = DecisionRules(CLASSES, residue_class="", threshold=0.6, own=MODEL, others={})
        self.ledger = Ledger(rules, judge)
        context = self.context("dispatcher", "dispatcher", self._channel)
        self.dispatcher = Dispatcher(self.hub, context, self.ledger)

    def _end(self) -> None:
        self.hub.__exit__(None, None, None)
        self._channel.close()
        self.supervisor.close()

    # -- peers ------------------------------------------------------------------------------------

    def stranger(self, role: str, name: str, incarnation: int = 1) -> Peer:
        """A peer that has not said hello."""
        self.peers.append(Peer(self.folder, role, name, incarnation))
        return self.peers[-1]

    def peer(self, role: str, name: str, incarnation: int = 1) -> Peer:
        """A peer that has been welcomed."""
        peer = self.stranger(role, name, incarnation)
        peer.say(peer.hello)
        self.told(peer, Welcome)
        return peer

    def told(self, peer: Peer, kind: type[T]) -> tuple[T, bytes | None]:
        """The next message to the peer, which must be of this kind."""
        self.until(lambda: peer.inbox)
        message, payload = peer.inbox.pop(0)
        assert isinstance(message, kind)
        return message, payload

    # -- time -------------------------------------------------------------------------------------

    def step(self) -> None:
        self.hub.wait(0.02)
        self.dispatcher.step()
        for peer in self.peers:
            peer.listen()

    def until(self, condition: Callable[[], T], *, step: bool = True) -> T:
        deadline = monotonic() + PATIENCE_S
        while not (value := condition()):
            assert monotonic() < deadline, "not within the time allowed"
            if step:
                self.step()
        return value

    def settle(self, peer: Peer) -> None:
        """Everything the peer has said is dealt with: a greeting said last is answered last."""
        before = len(peer.inbox)
        peer.say(peer.hello)
        self.until(lambda: any(isinstance(m, Welcome) for m, _ in peer.inbox[before:]))
        peer.inbox.pop()

    def notes(self) -> list[ControlMessage]:
        return list(self.supervisor.receive())
