"""The pictures of items that are yet to be fed: which are wanted, which are there.

A picture depends on its item's number and on the light at its trigger. Both are known before the
item is fed, unless an order shifts it; then the light is another perhaps, and the picture that was
made is not used. What is not there when it is needed the camera makes itself, as it would without
any of this; only on the `max` clock, where the belt may wait, it waits for what is on its way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from line.belt_time import Clock
from line.errors import StageDied
from line.messages import Encoding
from line.settings import Settings
from producers.ahead.maker import Made, Maker, Wanted
from producers.ahead.slots import Slots
from producers.ahead.upcoming import ItemsSince, Upcoming
from producers.belt import BeltItem
from producers.feed import FeedMark
from producers.shot import Shot

MOST_ASKED = 8
"""Pictures that the maker is asked for at a time; lost with it."""
REFILL = 1.25
"""Times `lead_s` to which the lead grows again once it is short: it is asked for in batches."""
_TOO_NEAR = 0.25
"""Times `lead_s`: nearer items are left to the camera, or both would make the same picture."""
_BUILD = 2.0
"""Times `lead_s`: so long the belt waits for its lead, from a maker that is ready on."""
_TURN_ITEMS = 64
"""Looked at in one turn."""
_TURN_S = 0.05
"""Between two turns without news of the maker, on a belt that runs by the clock."""
_TELL_S = 10.0
"""Between two reports of the maker's deaths."""


@dataclass(frozen=True, slots=True)
class _Asked:
    slot: int
    light: float


@dataclass(frozen=True, slots=True)
class _Kept:
    slot: int
    light: float
    made: Made


class Lead:
    """Owns the maker and the memory that it fills. `turn` is called in the camera's loop."""

    def __init__(
        self,
        maker: Maker,
        slots: Slots,
        settings: Settings,
        light: Callable[[BeltItem], float],
        items_since: ItemsSince,
        first: FeedMark,
        tell: Callable[[int, str], None],
    ) -> None:
        """`light`: what a picture depends on besides its item's number.

        `first`: where the lane begins. `tell`: is called when the maker has died, with the number
        of its deaths and what to say.
        """
        camera = settings.camera
        self._maker = maker
        self._slots = slots
        self._light = light
        self._tell = tell
        self._encoding: Encoding = camera.encoding
        self._lead_s = camera.lead_s
        self._makes_all = camera.prepare == "all"
        self._limit = f"camera.prepare_mb = {camera.prepare_mb}"
        self._is_paced = settings.line.speed != "max"
        self._window = camera.window_frames
        speed = math.inf if settings.line.speed == "max" else settings.line.speed
        self._upcoming = Upcoming(items_since, first, speed)
        self._asked: dict[int, _Asked] = {}
        self._kept: dict[int, _Kept] = {}
        self._left: set[int] = set()
        """items whose pictures the camera is to make itself"""
        self._is_settled: Callable[[int], bool] = lambda seq: False
        self._passed = first.seq - 1
        self._is_filling = self._has_room = True
        self._build_until = math.inf
        """monotonic time; a maker that is slower than the belt would never be done"""
        self._deaths = 0
        self._next_tell = self._next_turn = 0.0

    def follow(
        self, items_since: ItemsSince, clock: Clock, is_settled: Callable[[int], bool]
    ) -> None:
        """The belt is about to run: of an item that `is_settled` nobody needs a picture."""
        self._upcoming.follow(items_since, clock)
        self._is_settled = is_settled
        self._maker.give_way()

    def fileno(self) -> int:
        """Readable when `turn` has something to do."""
        return self._maker.fileno()

    @property
    def processor_s(self) -> float:
        """Processor time spent on pictures made ahead."""
        return self._maker.processor_s

    @property
    def made(self) -> int:
        """Pictures that are there."""
        return len(self._kept)

    @property
    def is_built(self) -> bool:
        """Everything that the belt is to begin with is there, or never will be."""
        if self._maker.is_given_up:
            return True
        if not self._makes_all and (not self._is_paced or monotonic() > self._build_until):
            return True
        return not (self._asked or self._is_short)

    @property
    def _may_wait(self) -> bool:
        return self._is_paced and not self._upcoming.belt_stands

    @property
    def _is_short(self) -> bool:
        item = self._upcoming.item()
        return item is not None and self._has_room and self._is_due(item)

    # -- what the camera asks -----------------------------------------------------------------

    def turn(self, *, has_said: bool = True) -> None:
        """Take what was made, and ask for what is wanted next.

        `has_said`: `fileno` is readable, or may be. While the belt runs by the clock, what it wants
        next may wait for a little.

        Raises:
            StageDied: if all pictures are to be made, and there is no room for them.
        """
        now = monotonic()
        if self._may_wait and not has_said and now < self._next_turn:
            return
        self._next_turn = now + _TURN_S
        for made in self._maker.look():
            self._take(made)
        if self._maker.deaths != self._deaths:
            self._note_death()
        if not self._maker.is_ready:
            return
        self._build_until = min(self._build_until, monotonic() + _BUILD * self._lead_s)
        if len(self._asked) <= MOST_ASKED // 2:
            self._ask()

    def replan(self) -> None:
        """Look at all items again that are yet to be fed: they may come at other moments."""
        self._upcoming.replan()

    def has(self, item: BeltItem) -> bool:
        """Of an item on the belt: its picture is there, or worth waiting for; else it is left."""
        self._upcoming.fed(item)
        kept = self._kept.get(item.seq)
        has = self.awaits(item.seq) if kept is None else kept.light == self._light(item)
        if not has:
            self._left.add(item.seq)
        return has

    def awaits(self, seq: int) -> bool:
        """On the `max` clock: its picture is not there yet, and will be."""
        if self._is_paced or not self._maker.is_ready:
            return False
        if seq in self._asked:
            return True
        will_be_asked = self._has_room and seq >= self._upcoming.seq
        return will_be_asked and not (seq in self._kept or self._is_past(seq))

    def shot(self, item: BeltItem) -> Shot | None:
        """The picture that would be made of it now, if that is there."""
        kept = self._kept.get(item.seq)
        if kept is None or kept.light != self._light(item):
            return None
        made = kept.made
        data = self._slots.read(kept.slot, made.size)
        if len(data) != made.size:
            return None
        return Shot(
            data,
            self._encoding,
            made.height_px,
            made.width_px,
            made.crc32,
            levels=made.levels,
        )

    def passed(self, seq: int) -> None:
        """The item has passed the photo-eye: nobody needs its picture any more."""
        self._passed = seq
        self._forget(seq)
        self._left.discard(seq)

    def close(self) -> None:
        """End the maker and give the memory back."""
        self._maker.close()
        self._slots.close()

    # -- the maker ----------------------------------------------------------------------------

    def _take(self, made: Made) -> None:
        asked = self._asked.pop(made.seq, None)
        if asked is None:
            return
        if made.size:
            self._slots.fill(asked.slot, made.size)
        if made.size and made.seq > self._passed:
            self._kept[made.seq] = _Kept(asked.slot, asked.light, made)
            return
        self._give_back(made.seq, asked)

    def _note_death(self) -> None:
        """One of the pictures that it was asked for may have been its end: all are left."""
        self._deaths = self._maker.deaths
        for seq, asked in self._asked.items():
            self._give_back(seq, asked)
        self._asked.clear()
        if monotonic() >= self._next_tell or self._maker.is_given_up:
            self._next_tell = monotonic() + _TELL_S
            then = "not started again" if self._maker.is_given_up else "started again"
            self._tell(
                self._deaths,
                f"lost the process that makes its pictures ahead ({self._maker.last_death}); "
                f"that is {then}, and what is missing is made live",
            )

    def _give_back(self, seq: int, asked: _Asked) -> None:
        self._slots.free(asked.slot)
        if seq > self._passed:
            self._left.add(seq)

    def _ask(self) -> None:
        wanted: list[Wanted] = []
        for _ in range(_TURN_ITEMS):
            item = self._upcoming.item()
            if item is None or not self._is_due(item):
                self._is_filling = False
                break
            light = self._light(item)
            if not self._is_wanted(item, light):
                self._upcoming.step()
                continue
            if len(self._asked) >= MOST_ASKED:
                break
            slot = self._slots.take()
            self._has_room = slot is not None
            if slot is None:
                self._refuse_part_of_all()
                break
            self._is_filling = True
            self._upcoming.step()
            self._asked[item.seq] = _Asked(slot, light)
            wanted.append(Wanted(item.seq, item.trigger_s, slot))
        if wanted:
            self._maker.ask(wanted)

    def _is_due(self, item: BeltItem) -> bool:
        """Time to ask for it: the lead, once it is short, is filled to more than `lead_s`."""
        if self._makes_all:
            return True
        if not self._is_paced:
            return len(self._kept) + len(self._asked) < self._window
        reach_s = self._lead_s * (REFILL if self._is_filling else 1.0)
        return self._upcoming.ahead_s(item) <= reach_s

    def _is_wanted(self, item: BeltItem, light: float) -> bool:
        seq = item.seq
        if seq in self._asked or self._is_past(seq):
            return False
        kept = self._kept.get(seq)
        if kept is not None and kept.light == light:
            return False
        self._forget(seq)
        if self._upcoming.belt_stands or not self._is_paced:
            return True
        return self._upcoming.ahead_s(item) >= _TOO_NEAR * self._lead_s

    def _is_past(self, seq: int) -> bool:
        """Nobody needs a picture made ahead for it."""
        return seq <= self._passed or seq in self._left or self._is_settled(seq)

    def _forget(self, seq: int) -> None:
        kept = self._kept.pop(seq, None)
        if kept is not None:
            self._slots.free(kept.slot)

    def _refuse_part_of_all(self) -> None:
        """Raises StageDied if the belt is to begin with all pictures."""
        if self._makes_all and self._upcoming.belt_stands and not self._asked:
            size_mb = self._slots.used_bytes / 1e6
            raise StageDied(
                f"camera.prepare: the pictures of all items do not fit: {self.made} of them take "
                f"{size_mb:.0f} MB, and {self._limit}"
            )
