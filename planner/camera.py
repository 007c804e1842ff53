"""A camera in virtual time: its lane's items, its picture thread, its window."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from line.events import Drift, Stall
from line.messages import Frame, Unseen
from line.outcome import Verdict
from line.pace import belt_pace
from line.settings import Settings
from planner.agenda import Agenda, Happening
from planner.draws import Luck
from planner.process import Process
from producers.belt import BeltItem
from producers.camera import RANGE_S
from producers.faults import PictureFaults
from producers.window import Window


class Passing(NamedTuple):
    """An item on its way to the photo-eye."""

    seq: int
    fed_s: float
    """belt time, like `trigger_s`"""
    trigger_s: float
    due: float
    """virtual time of the trigger, on a paced clock"""
    deadline: float
    """virtual time; infinite on the `max` clock"""
    true_class: str
    luck: Luck


def passings(
    settings: Settings,
    camera: int,
    arrivals: Iterable[float],
    true_classes: Iterable[str],
    lucks: Iterable[Luck],
) -> Iterator[Passing]:
    """The items of one lane, as its belt carries them."""
    belt = settings.belt
    drifts = [e for e in settings.events if isinstance(e, Drift) and e.index == camera]
    ride_s = belt_pace(belt.speed_m_per_s, drifts).duration_s
    actuator_s = belt.actuator_ms / 1000
    speed = clock_speed(settings)
    is_paced = math.isfinite(speed)
    to_camera_s, to_ejector_s = (
        ride_s(0.0, m) for m in (belt.infeed_to_camera_m, belt.camera_to_ejector_m)
    )
    together = zip(arrivals, true_classes, lucks, strict=False)
    for seq, (fed_s, true_class, luck) in enumerate(together):
        if drifts:
            to_camera_s = ride_s(fed_s, belt.infeed_to_camera_m)
            to_ejector_s = ride_s(fed_s + to_camera_s, belt.camera_to_ejector_m)
        trigger_s = fed_s + to_camera_s
        deadline = (trigger_s + (to_ejector_s - actuator_s)) / speed if is_paced else math.inf
        yield Passing(seq, fed_s, trigger_s, trigger_s / speed, deadline, true_class, luck)


class Line(Protocol):
    """Whom the camera sends to."""

    def frame(self, frame: Frame) -> None: ...

    def unseen(self, items: Iterable[Unseen]) -> None: ...


class Camera(Process):
    """One lane. On a paced clock it waits for nobody; on the `max` clock for room in its window."""

    def __init__(
        self,
        agenda: Agenda,
        settings: Settings,
        number: int,
        items: Iterator[Passing],
        masses_g: Mapping[str, float],
        line: Line,
        tell_belt: Callable[[float], None],
        tell_done: Callable[[], None],
        picture_crowding: Callable[[], float],
    ) -> None:
        """`masses_g`: of one item of each class; `picture_crowding`: factor on a picture's time.

        `tell_belt` is told the belt time of every trigger, on the `max` clock; `tell_done`, once,
        that all is over.
        """
        super().__init__(agenda, f"camera-{number}", "camera")
        self._picture_crowding = picture_crowding
        self.reached_s = 0.0
        """belt time of the last trigger"""
        self.luck: dict[int, Luck] = {}
        """of the items on their way"""
        self._number = number
        self._speed = clock_speed(settings)
        self._is_paced = math.isfinite(self._speed)
        self._items = items
        self._line = line
        self._tell_belt = tell_belt
        self._tell_done = tell_done
        self._masses_g = masses_g
        self._window = Window(settings.camera.window_frames)
        self._exposures = 0
        self._faults = PictureFaults(settings, number)
        self._stalls = any(isinstance(e, Stall) and e.index == number for e in settings.events)
        self._studio_free_s = self._published_s = self._arrived_s = self._next_range_s = 0.0
        self._range_is_due = False
        self._next: Passing | None = None

    def begin(self) -> None:
        """Belt second 0."""
        self._fetch()
        if not self._is_paced:
            self._fill_window()

    # -- the photo-eye ------------------------------------------------------------------------

    def _fetch(self) -> None:
        self._next = item = next(self._items, None)
        if item is None:
            self._finish_if_done()
        elif self._is_paced:
            self.agenda.at(item.due, self._trigger, item)

    def _trigger(self, happening: Happening) -> None:
        if self.frozen_until_s and self.is_frozen(self._trigger, happening):
            return
        item: Passing = happening.about
        self._reach(item)
        if not self.is_up:
            self._pass_unseen(item, "the camera was down")
        elif self._room > 0:
            self._expose(item, item.due)
        else:
            self._pass_unseen(item, "overrun: the camera's window was full")
        self._fetch()

    def _fill_window(self) -> None:
        while self._next is not None and self._room > 0:
            item = self._next
            self._reach(item)
            self._tell_belt(item.trigger_s)
            self._expose(item, self.agenda.now)
            self._fetch()

    def _reach(self, item: Passing) -> None:
        self.reached_s = item.trigger_s
        self.luck[item.seq] = item.luck

    @property
    def _room(self) -> int:
        return self._window.room - self._exposures

    # -- pictures -----------------------------------------------------------------------------

    def _expose(self, item: Passing, triggered: float) -> None:
        """The picture is begun when its item is fed, and leaves behind those before it."""
        self._exposures += 1
        luck = item.luck
        begun_s = item.fed_s / self._speed if self._is_paced else triggered
        picture_s = luck.picture_s * self._picture_crowding()
        self._studio_free_s = max(begun_s, self._studio_free_s) + picture_s
        ready_s = max(triggered + luck.publish_s, self._studio_free_s, self._published_s)
        if self._stalls and self._is_paced:
            held = BeltItem(item.seq, item.fed_s, item.trigger_s)
            ready_s = max(ready_s, self._faults.released_s(held) / self._speed)
        self._published_s = ready_s
        self._arrived_s = max(self._arrived_s, ready_s + luck.half_way_s)
        frame = self._frame(item, triggered, ready_s)
        self.agenda.at(self._arrived_s, self._arrive, (self.incarnation, item, frame))

    def _frame(self, item: Passing, triggered: float, published: float) -> Frame:
        return Frame(
            camera=self._number,
            seq=item.seq,
            scheduled_s=item.trigger_s,
            triggered=triggered,
            published=published,
            deadline=item.deadline,
            true_class=item.true_class,
            mass_g=self._masses_g[item.true_class],
            encoding="raw",
            height_px=0,
            width_px=0,
            picture_crc32=0,
        )

    def _arrive(self, happening: Happening) -> None:
        if self.frozen_until_s and self.is_frozen(self._arrive, happening):
            return
        incarnation, item, frame = happening.about
        self._exposures -= 1
        if incarnation != self.incarnation or not self.is_up:
            self._pass_unseen(item, "the camera was down")
        else:
            self._window.add_frame(frame, b"")
            self._line.frame(frame)

    def _pass_unseen(self, item: Passing, reason: str) -> None:
        mass_g = self._masses_g[item.true_class]
        self._window.add_unseen(
            Unseen(
                self._number,
                item.seq,
                item.trigger_s,
                item.true_class,
                mass_g,
                Verdict.DROPPED,
                reason,
            )
        )
        self._send_range_soon()

    # -- the line -----------------------------------------------------------------------------

    def _send_range_soon(self) -> None:
        if self._window.has_range and not self._range_is_due:
            self._range_is_due = True
            self.agenda.at(self._next_range_s, self._send_range)

    def _send_range(self, happening: Happening) -> None:
        if self.is_frozen(self._send_range, happening):
            return
        self._range_is_due = False
        unseen = self._window.next_range()
        if unseen is not None:
            self._next_range_s = self.agenda.now + RANGE_S
            self._line.unseen(unseen.items)

    def acknowledge(self, seqs: list[int]) -> None:
        """These items stand in every sink."""
        self._window.acknowledge(seqs)
        for seq in seqs:
            self.luck.pop(seq, None)
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


def clock_speed(settings: Settings) -> float:
    """Belt seconds a virtual second, from second 0 of both on; infinite on the `max` clock."""
    return math.inf if settings.line.speed == "max" else settings.line.speed
