"""The belt of one lane, as SimPy processes: infeed, photo-eye, ejector window, residue end.

The belt knows no wall clock and waits for nobody. Whoever owns the environment steps it, and hears
of every stage that an item reaches through the `observe` function. Timed events of the scenario
fire on the same clock. What is ordered of the belt while it runs is followed from its moment on,
and leads to the same belt as if it had been known from the start.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import simpy

from line.belt_changes import BeltChange
from line.events import Drift
from line.pace import belt_pace, pauses
from line.settings import BeltSettings
from producers.feed import Feed, FeedMark

_FIRST = FeedMark()
_MOST_TOLD = 200
"""Items whose places on the belt are told."""


class Stage(StrEnum):
    """Where an item has just arrived."""

    FED = "fed"  # on the belt
    TRIGGER = "trigger"  # at the photo-eye: the camera exposes
    DEADLINE = "deadline"  # the last moment for a decision: the actuator needs the rest
    EJECTOR = "ejector"  # in front of the ejector
    END = "end"  # over the end of the belt, or in its bin
    SHIFTED = "shifted"  # nowhere new: it will come to the photo-eye at another time than it was to


@dataclass(frozen=True, slots=True)
class BeltItem:
    """One item on the belt. Times are belt times in seconds."""

    seq: int
    fed_s: float
    trigger_s: float
    feeder_s: float = 0.0
    """the feeder's own time when it set the item before on the belt"""

    @property
    def mark(self) -> FeedMark:
        """Its place in the lane's feed."""
        return FeedMark(self.seq, self.feeder_s)


Observer = Callable[[Stage, BeltItem], None]
Process = Generator[simpy.Event, Any, None]


class Belt:
    """One lane. Items keep their order and their distance: the belt runs at constant speed."""

    def __init__(
        self,
        env: simpy.Environment,
        settings: BeltSettings,
        feed: Feed,
        observe: Observer,
        drifts: Iterable[Drift] = (),
        first: FeedMark = _FIRST,
        *,
        behind: Sequence[Stage] = (Stage.DEADLINE, Stage.EJECTOR, Stage.END),
    ) -> None:
        """Args: `feed`: when the items are fed; the belt ends with them.

        `drifts`: what becomes of its speed. `first`: items before it are history to whoever starts
        again late in a run, and ride no more. `behind`: the stages behind the photo-eye that are
        told of, in this order; the last one is the end.
        """
        self._behind = behind
        self._feed = feed
        self._env = env
        self._observe = observe
        self._rides: dict[int, simpy.Process] = {}
        self._fed_s: dict[int, float] = {}
        """item that rides → belt time at which it was fed"""
        self._trigger_s: dict[int, float] = {}
        """item on its way to the photo-eye → belt time at which it will be there"""
        self._next_arrival_s = -math.inf
        self._alarms_s: list[float] = []
        """of `at`, those to come; a heap"""
        self._stop_s = math.inf
        self._settings = settings
        self._drifts = tuple(drifts)
        self._know(())
        self._feeding = env.process(self._infeed(first))

    @property
    def riding(self) -> int:
        """Items on the belt."""
        return len(self._rides)

    @property
    def riding_since(self) -> list[float]:
        """Belt times at which items on the belt were fed, in order; of many, the first."""
        return list(self._fed_s.values())[:_MOST_TOLD]

    @property
    def next_trigger_s(self) -> float:
        """Belt time of the next trigger of an item on the belt; infinite without one."""
        return next(iter(self._trigger_s.values()), math.inf)

    @property
    def next_alarm_s(self) -> float:
        """Belt time of the next action that is to be called; infinite without one."""
        return self._alarms_s[0] if self._alarms_s else math.inf

    @property
    def next_arrival_s(self) -> float:
        """Belt time at which the next item is fed; infinite behind the last one."""
        return max(self._env.now, self._next_arrival_s)

    @property
    def to_camera_s(self) -> float:
        """Belt time that an item fed now takes to the photo-eye."""
        return self._pace.duration_s(self._env.now, self._settings.infeed_to_camera_m)

    @property
    def is_done(self) -> bool:
        """Nothing is on the belt, and nothing more will be fed."""
        return not self._rides and self._next_arrival_s > self._stop_s

    def deadline_s(self, trigger_s: float) -> float:
        """Belt time, from a trigger on, to the last moment for a decision."""
        return self._to_ejector_s(trigger_s) - self._settings.actuator_ms / 1000

    def stop_feeding(self, at_s: float) -> None:
        """Feed nothing after belt time `at_s`; what is on the belt runs through."""
        self._stop_s = min(self._stop_s, at_s)

    def follow(self, changes: Sequence[BeltChange]) -> None:
        """All that was ordered so far; what is new lies ahead of all that has happened."""
        self._know(changes)
        # As an event, so that processes that were just begun are under way.
        self._env.process(self._rouse())

    def items_since(self, mark: FeedMark) -> Iterator[BeltItem]:
        """Items that have passed, as they did: all that was ordered of the belt lay ahead."""
        before_s = mark.feeder_s
        for seq, (feeder_s, due_s) in enumerate(self._feed.since(mark), mark.seq):
            yield self._item(seq, self._feeder.duration_s(0.0, due_s), before_s)
            before_s = feeder_s

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        """Call `action` at a belt time."""
        heapq.heappush(self._alarms_s, time_s)
        self._env.process(self._alarm(time_s, action))

    def _know(self, changes: Sequence[BeltChange]) -> None:
        self._pace = belt_pace(self._settings.speed_m_per_s, self._drifts, changes)
        self._feeder = pauses(changes)

    def _rouse(self) -> Process:
        """Have everybody who waits look at the time again."""
        for process in (*self._rides.values(), self._feeding):
            if process.is_alive:
                process.interrupt()
        return
        yield

    def _infeed(self, first: FeedMark) -> Process:
        before_s = first.feeder_s
        for seq, (feeder_s, due_s) in enumerate(self._feed.since(first), first.seq):
            arrival_s = yield from self._await_arrival(due_s)
            if self._env.now > self._stop_s:
                self._next_arrival_s = math.inf
                return
            self._rides[seq] = self._env.process(self._ride(seq, arrival_s, before_s))
            before_s = feeder_s
        self.stop_feeding(self._env.now)
        self._next_arrival_s = math.inf

    def _await_arrival(self, due_s: float) -> Generator[simpy.Event, Any, float]:
        while True:
            arrival_s = self._feeder.duration_s(0.0, due_s)
            # As the environment rounds it: a stop at this very moment must mean the same later.
            self._next_arrival_s = self._env.now + max(0.0, arrival_s - self._env.now)
            if (yield from self._reaches(arrival_s)):
                return arrival_s

    def _ride(self, seq: int, fed_s: float, before_s: float) -> Process:
        item = self._item(seq, fed_s, before_s)
        self._fed_s[seq] = fed_s
        self._trigger_s[seq] = item.trigger_s
        self._observe(Stage.FED, item)
        while not (yield from self._reaches(item.trigger_s)):
            before, item = item, self._item(seq, fed_s, before_s)
            self._trigger_s[seq] = item.trigger_s
            if item != before:
                self._observe(Stage.SHIFTED, item)
        del self._trigger_s[seq]
        self._observe(Stage.TRIGGER, item)
        for stage in self._behind:
            while not (yield from self._reaches(self._moment_s(stage, item.trigger_s))):
                pass
            self._observe(stage, item)
        del self._rides[seq], self._fed_s[seq]

    def _reaches(self, belt_s: float) -> Generator[simpy.Event, Any, bool]:
        """Wait for a belt time; False if the belt was changed before it came."""
        try:
            yield self._env.timeout(max(0.0, belt_s - self._env.now))
        except simpy.Interrupt:
            return False
        return True

    def _item(self, seq: int, fed_s: float, before_s: float) -> BeltItem:
        to_camera_s = self._pace.duration_s(fed_s, self._settings.infeed_to_camera_m)
        return BeltItem(seq, fed_s, fed_s + to_camera_s, before_s)

    def _moment_s(self, stage: Stage, trigger_s: float) -> float:
        """Belt time at which an item reaches a stage behind the photo-eye."""
        to_ejector_s = self._to_ejector_s(trigger_s)
        if stage is Stage.DEADLINE:
            # At `--speed max` nothing has a deadline; the actuator may be slower than the belt.
            return trigger_s + max(0.0, to_ejector_s - self._settings.actuator_ms / 1000)
        ejector_s = trigger_s + to_ejector_s
        if stage is Stage.EJECTOR:
            return ejector_s
        return ejector_s + self._pace.duration_s(ejector_s, self._settings.ejector_to_end_m)

    def _to_ejector_s(self, trigger_s: float) -> float:
        return self._pace.duration_s(trigger_s, self._settings.camera_to_ejector_m)

    def _alarm(self, time_s: float, action: Callable[[], None]) -> Process:
        yield self._env.timeout(time_s)
        heapq.heappop(self._alarms_s)  # those before it have been called
        action()
