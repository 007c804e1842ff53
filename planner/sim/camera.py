"""A camera in virtual time: its lane's items, its picture thread, its window."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Protocol, cast

from line.events import Stall
from line.messages import Frame, Unseen
from line.outcome import CAMERA_DOWN, OVERRUN, Verdict
from line.settings import Settings
from planner.sim.event_queue import EventQueue, Process, TimedCall
from planner.sim.lane import clock_speed
from planner.sim.machine import SharedMachine
from planner.sim.processor import ahead_s
from planner.sim.stand_ins import Item
from producers.belt import BeltItem
from producers.camera import RANGE_S
from producers.faults import PictureFaults
from producers.feed import FeedMark
from producers.window import Window


class Line(Protocol):
    """Whom the camera sends to."""

    def frame(self, frame: Frame) -> None: ...

    def unseen(self, items: Iterable[Unseen]) -> None: ...


class Camera(Process):
    """One lane. On a paced clock it waits for nobody; on the `max` clock for room in its window."""

    def __init__(
        self,
        queue: EventQueue,
        settings: Settings,
        number: int,
        items: Iterator[Item],
        line: Line,
        tell_belt: Callable[[float], None],
        tell_done: Callable[[], None],
        machine: SharedMachine,
        smearing_s: float,
    ) -> None:
        """`tell_belt`: told the belt time of each trigger on the `max` clock; `tell_done`: once."""
        super().__init__(queue, f"camera-{number}", "camera")
        self._machine = machine
        self._smearing_s = smearing_s
        self.items: dict[int, Item] = {}
        """by sequence: those on their way"""
        self._speed = clock_speed(settings)
        self._is_paced = math.isfinite(self._speed)
        self._belt = items
        self._line = line
        self._tell_belt = tell_belt
        self._tell_done = tell_done
        self._window = Window(settings.camera.window_frames, _numbered, self._dropped)
        self._last: Item | None = None
        """that has reached the photo-eye"""
        self._exposures = 0
        self.exposed = 0
        """items whose pictures were to leave, in all"""
        self.made = 0
        """pictures of those that were not made before the belt began"""
        self._ahead_s = ahead_s(settings)
        self._coming = next(items, None)
        self._riding: deque[Item] = deque()
        """between infeed and photo-eye, as far as the studio has looked"""
        self._ahead = 0
        """pictures begun of those"""
        self._faults = PictureFaults(settings, number)
        self._stalls = any(isinstance(e, Stall) and e.index == number for e in settings.events)
        self._studio_free_s = self._published_s = self._arrived_s = self._next_range_s = 0.0
        self._range_is_due = False

    def begin(self) -> None:
        """Belt second 0."""
        self._look_for_next()
        if not self._is_paced:
            self._fill_window()

    # -- the photo-eye ------------------------------------------------------------------------

    @property
    def fed(self) -> int:
        """Items that have reached it."""
        return 0 if self._last is None else self._last.seq + 1

    @property
    def reached_s(self) -> float:
        """Belt time of the last trigger."""
        return 0.0 if self._last is None else self._last.scheduled_s

    @property
    def _next(self) -> Item | None:
        return self._riding[0] if self._riding else self._coming

    def _look_for_next(self) -> None:
        item = self._next
        if item is None:
            self._finish_if_done()
        elif self._is_paced:
            self.queue.at(item.due, self._trigger, item)

    def _trigger(self, timed_call: TimedCall) -> None:
        if self.frozen_until_s and self.is_frozen(self._trigger, timed_call):
            return
        item: Item = timed_call.about
        self._reach(item)
        if not self.is_up:
            self._pass_unseen(item, CAMERA_DOWN)
        elif self._window.room > self._exposures:
            self._expose(item, item.due)
        else:
            self._pass_unseen(item, OVERRUN)
        self._look_for_next()

    def _fill_window(self) -> None:
        while (item := self._next) is not None and self._window.room > self._exposures:
            self._reach(item)
            self._tell_belt(item.scheduled_s)
            self._expose(item, self.queue.now)
            self._look_for_next()

    def _reach(self, item: Item) -> None:
        self._last = item
        self._begin_ahead(item.scheduled_s)
        passage = self._machine.see_item(item.sample, self.queue.now)
        item.publish_s, item.half_way_s, item.service, item.answer_s = passage
        self._riding.popleft()
        if item.ready is not None:
            self._ahead -= 1
        self.items[item.seq] = item

    # -- pictures -----------------------------------------------------------------------------

    def _begin_ahead(self, belt_s: float) -> None:
        """Pictures of items that were fed until now, as many as the window may have room for."""
        while (item := self._coming) is not None and item.fed_s <= belt_s:
            self._riding.append(item)
            self._coming = next(self._belt, None)
            fed_s = item.fed_s / self._speed if self._is_paced else self.queue.now
            self._machine.feed(fed_s, item.due if self._is_paced else math.inf)
            if self._ahead < self._window.room - self._exposures:
                self._ahead += 1
                self._begin(item, fed_s)

    def _begin(self, item: Item, moment_s: float) -> float:
        """The studio's next picture; returns when it is finished."""
        begun_s = max(moment_s, self._studio_free_s)
        taken_s = item.picture_s * self._machine.crowding + self._smearing_s
        self._studio_free_s = item.ready = begun_s + taken_s * self._machine.slowness.at(begun_s)
        return item.ready

    def _expose(self, item: Item, triggered: float) -> None:
        """The picture leaves the camera when it is finished, behind those before it."""
        self._exposures += 1
        self.exposed += 1
        self.made += item.fed_s >= self._ahead_s
        finished_s = self._begin(item, triggered) if item.ready is None else item.ready
        ready_s = max(max(triggered, finished_s) + item.publish_s, self._published_s)
        if self._stalls and self._is_paced:
            held = BeltItem(item.seq, item.fed_s, item.scheduled_s)
            ready_s = max(ready_s, self._faults.released_s(held) / self._speed)
        self._arrived_s = max(self._arrived_s, ready_s + item.half_way_s)
        self._published_s = item.published = ready_s
        item.triggered = triggered
        self.queue.at(self._arrived_s, self._arrive, (self.incarnation, item))

    def _arrive(self, timed_call: TimedCall) -> None:
        if self.frozen_until_s and self.is_frozen(self._arrive, timed_call):
            return
        incarnation, item = timed_call.about
        self._exposures -= 1
        if incarnation != self.incarnation or not self.is_up:
            self._pass_unseen(item, CAMERA_DOWN)
        else:
            frame = cast(Frame, item)
            self._window.add_frame(frame, b"")
            self._line.frame(frame)

    def _pass_unseen(self, item: Item, reason: str) -> None:
        self._window.add_dropped(BeltItem(item.seq, item.fed_s, item.scheduled_s), reason)
        self._send_range_soon()

    def _dropped(self, passed: BeltItem, reason: str) -> Unseen:
        item = self.items[passed.seq]
        return Unseen(
            item.camera,
            item.seq,
            item.scheduled_s,
            item.true_class,
            item.mass_g,
            Verdict.DROPPED,
            reason,
        )

    # -- the line -----------------------------------------------------------------------------

    def _send_range_soon(self) -> None:
        if self._window.has_range and not self._range_is_due:
            self._range_is_due = True
            self.queue.at(self._next_range_s, self._send_range)

    def _send_range(self, timed_call: TimedCall) -> None:
        if self.is_frozen(self._send_range, timed_call):
            return
        self._range_is_due = False
        unseen = self._window.next_range()
        if unseen is not None:
            self._next_range_s = self.queue.now + RANGE_S
            self._line.unseen(unseen.items)

    def acknowledge(self, seqs: list[int]) -> None:
        """These items stand in every sink."""
        self._window.acknowledge(seqs)
        for seq in seqs:
            self.items.pop(seq, None)
        self._send_range_soon()
        if not self._is_paced:
            self._fill_window()
        self._finish_if_done()

    def send_again(self) -> None:
        """To a dispatcher that knows nothing."""
        frames, unseen = self._window.everything_sent()
        for frame, _ in frames:
            self._line.frame(frame)
        if unseen is not None:
            self._line.unseen(unseen.items)

    def _finish_if_done(self) -> None:
        if self._next is None and not self._exposures and not self._window:
            self._tell_done()


def _numbered(mark: FeedMark) -> Iterator[BeltItem]:
    """By number alone: all else is known of an item until it is acknowledged."""
    return (BeltItem(seq, 0.0, 0.0) for seq in count(mark.seq))
