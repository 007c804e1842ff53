"""A worker's connection to a dispatcher on another machine.

It has no channel and no supervisor, and a clock of its own. What a worker sees of it is what it
sees of a `Client`: frames with deadlines on its own clock. A connection that breaks is not mended:
the next one has an identity of its own, and what this one held goes to other workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from random import SystemRandom
from time import monotonic

from line.messages import (
    BatchEnd,
    BatchTimes,
    Buffer,
    ClockQuery,
    ClockReply,
    Frame,
    Hello,
    Message,
    Result,
    Terms,
    Welcome,
    Who,
)
from line.process.hub import REMOTE
from line.process.link import Link
from line.process.signals import Interrupts
from line.remote.curve import Lock

_REPLIES = 64
"""The last seconds' worth: old enough to hold a quick reply, young enough for clocks that drift."""


class ClockOffset:
    """How far their clock is ahead of ours.

    A reply says that their clock showed `now` at some moment after ours showed `asked`, so
    `now - asked` is the offset plus the time that the question took. The smallest of the last
    replies is nearest, and never too small: in doubt it is later there than it is.
    """

    def __init__(self) -> None:
        self._replies: deque[float] = deque(maxlen=_REPLIES)

    @property
    def known(self) -> bool:
        return bool(self._replies)

    def learn(self, asked: float, now: float) -> None:
        """They were asked at our time `asked`, and read their time `now`."""
        self._replies.append(now - asked)

    def ours(self, theirs: float) -> float:
        """Our time at their time; at the latest."""
        return theirs - min(self._replies)

    def theirs(self, ours: float) -> float:
        """Their time at our time; at the latest."""
        return ours + min(self._replies)


_QUESTION_S = 0.2
_SILENCE_S = 3.0
"""Unanswered for so long, the connection is taken for broken."""
_FAREWELL_S = 2.0
"""So long we wait to hear that no further frame will come."""


class RemoteClient:
    """Context manager: owns the link.

    Attributes:
        terms: what the line asks of its workers, once it has said so.
        stop: there is no use in going on: the connection is lost, or a second interrupt came.
        orphaned: monotonic time since which no further frame will come, or None: we are to leave,
            or to join again on new terms.
        lost: why the connection is broken, or None.
    """

    def __init__(self, address: str, name: str, lock: Lock, interrupts: Interrupts) -> None:
        incarnation = SystemRandom().randrange(10**5, 10**6)
        self._hello = Hello(REMOTE, name, incarnation, credit=0)
        self.identity = f"{name}#{incarnation}"
        self.terms: Terms | None = None
        self.stop = False
        self.orphaned: float | None = None
        self.lost: str | None = None
        self._interrupts = interrupts
        self._leaving: float | None = None
        self._joined: Terms | None = None
        """the terms that we work on"""
        self._offset = ClockOffset()
        self._asked: float | None = None
        """our time of the first question without a reply"""
        self._next_question = 0.0
        self._link = Link(address, self.identity, lock=lock)

    def __enter__(self) -> RemoteClient:
        self._link.send(self._hello)
        return self

    def __exit__(self, *details: object) -> None:
        if self.lost is None and details[0] is None:
            self._link.linger(1.0)
        self._link.__exit__(*details)

    def await_terms(self) -> Terms | None:
        """What the line asks of its workers; None if the connection is lost or we are to leave."""
        while not self.stop and (self.terms is None or not self._offset.known):
            self.exchange()
        return None if self.stop else self.terms

    def join(self, credit: int, batches: BatchTimes | None = None) -> None:
        """Ready for `credit` frames at a time. Only after `await_terms`, or with new terms.

        `batches`: what they take, where the terms allow them by slack.
        """
        self._hello = replace(self._hello, batches=batches)
        self._joined, self._leaving, self.orphaned = self.terms, None, None
        self._greet(credit)

    @property
    def _has_new_terms(self) -> bool:
        return self._joined is not None and self.terms != self._joined

    def send(self, message: Message) -> None:
        if isinstance(message, Result):
            message = replace(message, started=self._offset.theirs(message.started))
        self._link.send(message)

    def exchange(self, until: float | None = None) -> list[tuple[Message, Buffer | None]]:
        """The frames, and ends of batches, that have come; see `Client.exchange` for `until`."""
        self._ask()
        wake = self._next_question if until is None else min(until, self._next_question)
        self._link.wait(wake - monotonic())
        frames = list(self._frames(self._link.receive()))
        self._look_at_the_link()
        self._handle_interrupts()
        return frames

    def _frames(
        self, received: Iterable[tuple[Message, Buffer | None]]
    ) -> Iterable[tuple[Message, Buffer | None]]:
        for message, payload in received:
            self._asked = None
            match message:
                case Frame():
                    yield self._on_our_clock(message), payload
                case BatchEnd():
                    yield message, None
                case ClockReply(asked, now):
                    self._offset.learn(asked, now)
                case Terms():
                    self.terms = message
                case Who():
                    self._greet(self._hello.credit)
                case Welcome() if self._leaving is not None:
                    self.orphaned = self.orphaned or monotonic()

    def _on_our_clock(self, frame: Frame) -> Frame:
        return replace(
            frame,
            triggered=self._offset.ours(frame.triggered),
            published=self._offset.ours(frame.published),
            deadline=self._offset.ours(frame.deadline),
        )

    def _greet(self, credit: int) -> None:
        self._hello = replace(self._hello, credit=credit)
        self._link.send(self._hello)

    def _ask(self) -> None:
        now = monotonic()
        if now >= self._next_question:
            self._next_question = now + _QUESTION_S
            self._asked = self._asked or now
            self._link.send(ClockQuery(now))

    def _look_at_the_link(self) -> None:
        self.lost = self.lost or self._link.loss
        if self._asked is not None and monotonic() - self._asked > _SILENCE_S:
            self.lost = self.lost or "no answer"
        self.stop = self.stop or self.lost is not None

    def _handle_interrupts(self) -> None:
        now = monotonic()
        if (self._interrupts.count or self._has_new_terms) and self._leaving is None:
            self._leaving = now
            self.stop = self.stop or not self._hello.credit  # nothing was promised yet
            self._greet(0)
        if self._leaving is not None and now - self._leaving > _FAREWELL_S:
            self.orphaned = self.orphaned or now
        self.stop = self.stop or self._interrupts.count > 1
