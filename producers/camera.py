"""The camera process: steps its belt, takes pictures, and keeps them until they are acknowledged.

On a paced clock it waits for nobody: a trigger is handled when it is due, and an item that finds
the window full is dropped with its reason. On the `max` clock the belt stands still while the
window is full, so that nothing needs to be dropped.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from time import monotonic

import simpy

from line.belt_time import Clock
from line.messages import (
    Acknowledged,
    Buffer,
    Frame,
    Handle,
    Message,
    Unseen,
    UnseenVerdict,
    Welcome,
)
from line.outcome import CAMERA_DOWN, OVERRUN, Verdict
from line.process.client import Client
from line.process.picture_ring import RingWriter
from line.run_files.picture_statistics import StatisticsWriter
from line.run_files.review_spool import SpoolWriter
from producers.belt import BeltItem, Stage
from producers.faults import PictureFaults
from producers.feed import Feed, FeedMark
from producers.jitter import Jitter
from producers.lane import Lane
from producers.progress import Progress
from producers.shot import Shot
from producers.sources import Source
from producers.studio import PendingShot, Studio
from producers.window import Window

REPORT_S = 0.2
_FED_S, _FED_SHARE, _FED_SHARE_AHEAD = 0.02, 0.05, 0.25
"""So late, in belt time, it may be noticed that an item was fed; the shares are of its way to the
photo-eye, without and with pictures made ahead. To wake up costs more than what is done then."""
_BEHIND_S = 0.1
"""So late it may be noticed what becomes of an item behind the photo-eye, where nothing is done."""
_TURN_S = 0.1
"""Longest that the belt is stepped without a look at the sockets: one that starts again runs
through all its past."""
RANGE_S = 0.02
"""Unseen items are collected for this long, so that a run of drops travels as one range."""


@dataclass(frozen=True, slots=True)
class _Exposure:
    """An item at the photo-eye whose picture may still be on its way out of the camera."""

    item: BeltItem
    triggered: float
    shot: PendingShot


class Camera:
    """One lane: its belt, its clock, its window."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        source: Source,
        feed: Feed,
        first: FeedMark,
        studio: Studio,
        progress: Progress,
        since: float,
        spool: SpoolWriter | None = None,
        ring: RingWriter | None = None,
        statistics: StatisticsWriter | None = None,
    ) -> None:
        """`first`: where the belt begins, see `Lane`.

        `since`: monotonic time from which on this camera has been at its place.

        `spool`: where pictures go that may be wanted for review; None: there is no review.

        `ring`: memory in which others read the pictures; None: they travel in the messages.

        `statistics`: where it is written down what pictures are like; None: nobody asks.
        """
        self._client = client
        self._context = client.context
        self._clock = clock
        self._source = source
        self._studio = studio
        self._progress = progress
        self._exposures: deque[_Exposure] = deque()
        self._faults = PictureFaults(self._context.settings, self._context.index)
        self._jitter = Jitter()
        self._spool = spool
        self._ring = ring
        self._statistics = statistics
        self._spooling: set[int] = set()
        """items in the log whose pictures are on their way to the spool"""
        self._spooled: deque[int] = deque()
        """those among them that are settled, as the spool's thread says"""
        self._since = since
        self._triggered = 0
        self._has_told = False
        self._acknowledged_at: float | None = None
        """monotonic time of the last acknowledgement"""
        self._next_report = self._next_range = 0.0
        self._env = simpy.Environment()
        self._lane = Lane(self._env, client, clock, feed, self._observe, first)
        self._belt = self._lane.belt
        size = self._context.settings.camera.window_frames
        self._window = Window(size, self._belt.items_since, self._dropped)
        client.watch(studio.fileno())
        studio.follow(self._belt.items_since, clock, progress.__contains__)

    def run(self) -> None:
        """Until every item that was fed is acknowledged and off the belt, or `stop` comes."""
        while not (self._is_finished or self._client.stop or self._is_forsaken):
            for message, _ in self._client.exchange(self._wake_at()):
                self._handle(message)
            if self._lane.handle_orders():
                self._studio.replan()
            self._handle_drain()
            self._settle_spooled()
            self._studio.settle(self._client.is_readable)
            self._advance()
            if self._triggered > self._progress.record.fed:
                self._mark_progress(monotonic())  # before anybody hears of them
            self._publish()
            self._send_range()
            self._report()
        if self._spool is not None:
            self._spool.close()
        self._progress.update(self._spooling)  # what could not be kept by now is not
        self._report(final=True)

    # -- the belt -----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Let happen what is due; what is not yet known to be in force lies ahead of the belt."""
        if self._clock.is_paced:
            turn_ends = monotonic() + _TURN_S
            known_s = self._clock.belt(self._client.handled)
            while self._env.peek() <= known_s and monotonic() < turn_ends:
                self._env.step()
            return
        before = self._triggered
        while self._may_step and self._triggered == before:  # the sockets have their turn
            self._env.step()

    @property
    def _may_step(self) -> bool:
        """On the `max` clock: something lies ahead, and a trigger would find room."""
        if self._belt.is_done or self._lane.is_held or self._room <= 0:
            return False
        return not self._studio.awaits(self._triggered)

    def _wake_at(self) -> float | None:
        if not self._clock.is_paced:
            return monotonic() if self._may_step else self._range_at()
        due = min(self._next_move(), self._next_release())
        range_at = self._range_at()
        return due if range_at is None else min(due, range_at)

    def _next_move(self) -> float:
        """Monotonic time at which the belt is to be looked at: a trigger does not wait.

        Nor does a timed event. What else happens on the belt may, for a little: an item that was
        fed is known well before it comes to the photo-eye.
        """
        belt = self._belt
        if self._studio.has_lead:
            fed_late_s = _FED_SHARE_AHEAD * belt.to_camera_s
        else:
            fed_late_s = min(_FED_S, _FED_SHARE * belt.to_camera_s)
        moves = (
            belt.next_trigger_s,
            belt.next_alarm_s,
            belt.next_arrival_s + fed_late_s,
            self._env.peek() + _BEHIND_S,
        )
        return self._clock.wall(min(moves))

    def _range_at(self) -> float | None:
        return self._next_range if self._window.has_range else None

    def _next_release(self) -> float:
        """Monotonic time at which the oldest exposure may leave the camera; infinite if it may."""
        if not (self._exposures and self._clock.is_paced):
            return math.inf
        released = self._clock.wall(self._faults.released_s(self._exposures[0].item))
        return released if released > monotonic() else math.inf

    def _observe(self, stage: Stage, item: BeltItem) -> None:
        if stage is Stage.FED:
            self._progress.pass_mark(item.mark)
        if stage in (Stage.FED, Stage.SHIFTED):
            self._studio.discard(item)
            if not self._studio.has(item) and self._may_begin(item):
                self._studio.begin(item)
        elif stage is Stage.TRIGGER:
            self._triggered = item.seq + 1
            if item.seq in self._progress:
                self._studio.discard(item)  # told of before this incarnation
            else:
                self._trigger(item)
            self._studio.passed(item)

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
            self._drop(item, CAMERA_DOWN)
        else:
            self._jitter.add(now - due)
            if self._room > 0:
                self._exposures.append(_Exposure(item, due, self._studio.expose(item)))
            else:
                self._drop(item, OVERRUN)

    def _drop(self, item: BeltItem, reason: str) -> None:
        self._studio.overlook(item, is_reproducible=self._source.is_reproducible)
        self._window.add_dropped(item, reason)

    def _dropped(self, item: BeltItem, reason: str) -> Unseen:
        return self._unseen(item, Verdict.DROPPED, reason)

    def _unseen(self, item: BeltItem, verdict: UnseenVerdict, reason: str) -> Unseen:
        truth = self._source.facts(self._context.index, item.seq).true_class
        mass_g = self._context.settings.mass_g(truth)
        return Unseen(self._context.index, item.seq, item.trigger_s, truth, mass_g, verdict, reason)

    def _publish(self) -> None:
        """Send the frames whose pictures are finished, in the order of their triggers."""
        while (
            self._exposures and self._exposures[0].shot.done() and math.isinf(self._next_release())
        ):
            exposure = self._exposures.popleft()
            shot = exposure.shot.result()
            if shot.error:
                self._window.add_failed(self._unseen(exposure.item, Verdict.FAILED, shot.error))
                continue
            if self._statistics is not None and shot.levels:
                self._statistics.write(exposure.item.seq, shot.levels)
            data = self._faults.transmit(exposure.item, shot.data)
            handle = None if self._ring is None else self._ring.put(exposure.item.seq, data)
            frame = self._frame(exposure, shot, handle)
            kept = data if handle is None else None
            self._window.add_frame(frame, kept)
            self._client.send(frame, kept)

    def _frame(self, exposure: _Exposure, shot: Shot, handle: Handle | None) -> Frame:
        item, settings = exposure.item, self._context.settings
        truth = self._source.facts(self._context.index, item.seq).true_class
        return Frame(
            camera=self._context.index,
            seq=item.seq,
            scheduled_s=item.trigger_s,
            triggered=exposure.triggered,
            published=monotonic(),
            deadline=self._clock.deadline(item.trigger_s + self._belt.deadline_s(item.trigger_s)),
            true_class=truth,
            mass_g=settings.mass_g(truth),
            encoding=shot.encoding,
            height_px=shot.height_px,
            width_px=shot.width_px,
            picture_crc32=shot.crc32,
            handle=handle,
        )

    # -- the line -----------------------------------------------------------------------------

    def _handle(self, message: Message) -> None:
        if isinstance(message, Acknowledged):
            self._acknowledge(message)
        elif isinstance(message, Welcome):
            frames, unseen = self._window.everything_sent()
            for frame, data in frames:
                self._client.send(frame, data)
            if unseen is not None:
                self._client.send(unseen)

    def _acknowledge(self, message: Acknowledged) -> None:
        """Let the items go; one whose picture goes to review is done when that is settled."""
        for seq in message.review:
            kept = self._window.frame(seq)
            if kept is not None and self._spool is not None:
                self._spooling.add(seq)
                self._spool.keep(kept[0], self._picture(*kept), self._spooled.append)
        self._progress.update(seq for seq in message.seqs if seq not in self._spooling)
        self._window.acknowledge(message.seqs)
        self._acknowledged_at = monotonic()
        if self._ring is not None:
            self._ring.free(message.seqs)

    def _picture(self, frame: Frame, data: Buffer | None) -> Buffer:
        """Of a frame in the window, to be kept for longer than the window keeps it."""
        if data is not None:
            return data
        assert self._ring is not None
        assert frame.handle is not None
        return self._ring.copy(frame.handle)

    def _settle_spooled(self) -> None:
        while self._spooled:
            seq = self._spooled.popleft()
            self._spooling.discard(seq)
            self._progress.update((seq,))

    def _handle_drain(self) -> None:
        """Stop the infeed when told to; a restarted camera stops it where its predecessor did."""
        if self._client.drain and self._progress.stop_s is None and self._has_fed_its_past:
            now_s = self._clock.belt(monotonic()) if self._clock.is_paced else self._env.now
            self._progress.stop(now_s)
        if self._progress.stop_s is not None:
            self._belt.stop_feeding(self._progress.stop_s)

    @property
    def _has_fed_its_past(self) -> bool:
        """On the `max` clock a restarted camera must first come to where its predecessor was."""
        return self._clock.is_paced or self._triggered >= self._progress.record.fed

    def _send_range(self) -> None:
        now = monotonic()
        if self._window.has_range and now >= self._next_range:
            self._next_range = now + RANGE_S
            unseen = self._window.next_range()
            if unseen is not None:
                self._client.send(unseen)

    def _mark_progress(self, now: float) -> None:
        """Keep how far the lane has come, for whoever resumes the run."""
        stop_s = math.inf if self._progress.stop_s is None else self._progress.stop_s
        reached_s = self._clock.elapsed_s(min(self._env.now, stop_s), now)
        if self._is_finished and math.isinf(stop_s):
            resume_s = math.inf
        elif self._clock.is_paced:
            oldest_s = self._exposures[0].item.trigger_s if self._exposures else math.inf
            oldest_s = min(oldest_s, self._window.oldest_s)
            resume_s = min(reached_s, self._clock.elapsed_s(oldest_s, now))
        else:
            resume_s = reached_s
        self._progress.reach(self._triggered, reached_s, resume_s)

    @property
    def _is_finished(self) -> bool:
        return self._belt.is_done and not self._exposures and not self._window

    @property
    def _is_forsaken(self) -> bool:
        """Without a supervisor there is only so much time to drain in."""
        orphaned = self._client.orphaned
        limit_s = self._context.settings.supervisor.stop_s
        return orphaned is not None and monotonic() > orphaned + limit_s

    def _report(self, *, final: bool = False) -> None:
        now = monotonic()
        if final or now >= self._next_report:
            self._next_report = now + REPORT_S
            self._mark_progress(now)
            if self._spool is not None:
                self._spool.mark(self._progress.low)
            self._tell_of_archive()
            self._client.tell(
                "finished" if final else "belt",
                at=(self._acknowledged_at or now) if final else now,
                fed=self._triggered,
                belt_s=self._env.now,
                on_belt=self._belt.riding,
                riding_since=self._belt.riding_since,
                window=self._window.frames,
                jitter_ms=self._jitter.facts(),
                pictures=self._studio.figures(),
            )

    def _tell_of_archive(self) -> None:
        """Once, if the lane is recorded no more."""
        why = self._studio.archive_ended
        if why and not self._has_told:
            self._has_told = True
            place = self._context.name
            self._context.channel.send(
                "incident",
                id=f"recording-{place}",
                event="recording",
                text=f"records no more: {why}",
            )
