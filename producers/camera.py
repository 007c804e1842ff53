"""The camera process: steps its belt, takes pictures, and keeps them until they are acknowledged.

On a paced clock it waits for nobody: a trigger is handled when it is due, and an item that finds
the window full is dropped with its reason. On the `max` clock the belt stands still while the
window is full, so that nothing needs to be dropped.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from time import monotonic

import simpy

from line.client import Client
from line.messages import Acknowledged, Frame, Message, Unseen, UnseenVerdict, Welcome
from line.outcome import Verdict
from producers.arrivals import lane_arrivals
from producers.belt import Belt, BeltItem, Stage
from producers.clock import Clock
from producers.jitter import Jitter
from producers.sources import Source
from producers.studio import Shot, Studio
from producers.window import Progress, Window

REPORT_S = 0.2
RANGE_S = 0.02
"""Unseen items are collected for this long, so that a run of drops travels as one range."""


@dataclass(frozen=True, slots=True)
class _Exposure:
    """An item at the photo-eye whose picture may still be on its way out of the camera."""

    item: BeltItem
    triggered: float
    shot: Future[Shot]


class Camera:
    """One lane: its belt, its clock, its window."""

    def __init__(
        self, client: Client, clock: Clock, source: Source, studio: Studio, progress: Progress
    ) -> None:
        self._client = client
        self._seat = client.seat
        self._clock = clock
        self._source = source
        self._studio = studio
        self._progress = progress
        self._window = Window(self._seat.settings.camera.window_frames)
        self._exposures: deque[_Exposure] = deque()
        self._jitter = Jitter()
        self._since = monotonic()
        self._triggered = 0
        self._next_report = self._next_range = 0.0
        self._env = simpy.Environment()
        self._belt = self._build_belt()
        client.watch(studio.fileno())

    def run(self) -> None:
        """Until every item that was fed is acknowledged and off the belt, or `stop` comes."""
        while not (self._is_finished or self._client.stop or self._is_forsaken):
            for message, _ in self._client.exchange(self._wake_at()):
                self._heed(message)
            self._heed_drain()
            self._studio.settle()
            self._advance()
            self._publish()
            self._send_range()
            self._report()
        self._report(final=True)

    # -- the belt -----------------------------------------------------------------------------

    def _build_belt(self) -> Belt:
        settings = self._seat.settings
        arrivals = lane_arrivals(settings, self._seat.index, self._source.length)
        belt = Belt(self._env, settings.belt, arrivals, self._observe)
        if self._seat.index == 0:  # the line has one clock for its events: the first lane's
            for number, event in enumerate(settings.events):
                belt.at(event.at_s, partial(self._seat.leash.send, "event", number=number))
        return belt

    def _advance(self) -> None:
        """Let happen what is due."""
        if self._clock.is_paced:
            while self._env.peek() <= self._clock.belt(monotonic()):
                self._env.step()
            return
        before = self._triggered
        while self._may_step and self._triggered == before:  # the sockets have their turn
            self._env.step()

    @property
    def _may_step(self) -> bool:
        """On the `max` clock: something lies ahead, and a trigger would find room."""
        return not self._belt.is_done and self._room > 0

    def _wake_at(self) -> float | None:
        if not self._clock.is_paced:
            return monotonic() if self._may_step else self._range_at()
        due = self._clock.wall(self._env.peek())
        range_at = self._range_at()
        return due if range_at is None else min(due, range_at)

    def _range_at(self) -> float | None:
        return self._next_range if self._window.has_range else None

    def _observe(self, stage: Stage, item: BeltItem) -> None:
        if stage is Stage.FED:
            if self._may_begin(item):
                self._studio.begin(item)
        elif stage is Stage.TRIGGER:
            self._triggered = item.seq + 1
            if item.seq in self._progress:
                self._studio.discard(item)  # told of before this incarnation
            else:
                self._trigger(item)

    # -- pictures -----------------------------------------------------------------------------

    @property
    def _room(self) -> int:
        return self._window.room - len(self._exposures)

    def _may_begin(self, item: BeltItem) -> bool:
        ahead = self._studio.ahead < self._room
        return ahead and self._source.is_reproducible and item.seq not in self._progress

    def _trigger(self, item: BeltItem) -> None:
        now = monotonic()
        due = self._clock.wall(item.trigger_s)
        if not self._clock.is_paced:
            self._exposures.append(_Exposure(item, now, self._studio.expose(item)))
        elif due < self._since:
            self._pass_unseen(item, Verdict.DROPPED, "the camera was down")
        else:
            self._jitter.add(now - due)
            if self._room > 0:
                self._exposures.append(_Exposure(item, due, self._studio.expose(item)))
            else:
                self._pass_unseen(item, Verdict.DROPPED, "overrun: the camera's window was full")

    def _pass_unseen(self, item: BeltItem, verdict: UnseenVerdict, reason: str) -> None:
        self._studio.discard(item)
        truth = self._source.facts(self._seat.index, item.seq).true_class
        mass_g = self._seat.settings.mass_g(truth)
        self._window.add_unseen(
            Unseen(self._seat.index, item.seq, item.trigger_s, truth, mass_g, verdict, reason)
        )

    def _publish(self) -> None:
        """Send the frames whose pictures are finished, in the order of their triggers."""
        while self._exposures and self._exposures[0].shot.done():
            exposure = self._exposures.popleft()
            shot = exposure.shot.result()
            if shot.error:
                self._pass_unseen(exposure.item, Verdict.FAILED, shot.error)
                continue
            frame = self._frame(exposure, shot)
            self._window.add_frame(frame, shot.data)
            self._client.send(frame, shot.data)

    def _frame(self, exposure: _Exposure, shot: Shot) -> Frame:
        item, settings = exposure.item, self._seat.settings
        truth = self._source.facts(self._seat.index, item.seq).true_class
        return Frame(
            camera=self._seat.index,
            seq=item.seq,
            scheduled_s=item.trigger_s,
            triggered=exposure.triggered,
            deadline=self._clock.deadline(item.trigger_s + settings.deadline_s),
            true_class=truth,
            mass_g=settings.mass_g(truth),
            encoding=shot.encoding,
            height_px=shot.height_px,
            width_px=shot.width_px,
            picture_crc32=shot.crc32,
        )

    # -- the line -----------------------------------------------------------------------------

    def _heed(self, message: Message) -> None:
        if isinstance(message, Acknowledged):
            self._progress.update(message.seqs)
            self._window.acknowledge(message.seqs)
        elif isinstance(message, Welcome):
            frames, unseen = self._window.everything_sent()
            for frame, data in frames:
                self._client.send(frame, data)
            if unseen is not None:
                self._client.send(unseen)

    def _heed_drain(self) -> None:
        """Stop the infeed when told to; a restarted camera stops it where its forerunner did."""
        if self._client.drain and self._progress.stop_s is None:
            self._progress.stop_s = self._env.now
        if self._progress.stop_s is not None:
            self._belt.stop_feeding(self._progress.stop_s)

    def _send_range(self) -> None:
        now = monotonic()
        if self._window.has_range and now >= self._next_range:
            self._next_range = now + RANGE_S
            unseen = self._window.next_range()
            if unseen is not None:
                self._client.send(unseen)

    @property
    def _is_finished(self) -> bool:
        return self._belt.is_done and not self._exposures and not self._window

    @property
    def _is_forsaken(self) -> bool:
        """Without a supervisor there is only so much time to drain in."""
        orphaned = self._client.orphaned
        limit_s = self._seat.settings.supervisor.stop_s
        return orphaned is not None and monotonic() > orphaned + limit_s

    def _report(self, *, final: bool = False) -> None:
        now = monotonic()
        if final or now >= self._next_report:
            self._next_report = now + REPORT_S
            self._seat.leash.send(
                "finished" if final else "belt",
                fed=self._triggered,
                belt_s=self._env.now,
                on_belt=self._belt.riding,
                window=self._window.frames,
                jitter_ms=self._jitter.facts(),
            )
