"""Which pictures are made ahead, and that none is used but the one that would be made live."""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.belt_time import Clock
from line.config import load
from line.errors import StageDied
from producers.ahead.lead import MOST_ASKED, Lead
from producers.ahead.maker import Made, Wanted
from producers.ahead.slots import Slots, write
from producers.belt import BeltItem
from producers.feed import FeedMark

SLOT_BYTES = 1_000
SIZE = 100
FIRST = FeedMark()


class HandMaker:
    """A stand-in for the process: makes a picture when it is told to, and dies when it is told."""

    def __init__(self, slots: Slots) -> None:
        self._fd = slots.fd
        self.is_ready = True
        self.is_given_up = False
        self.deaths = 0
        self.last_death = ""
        self.processor_s = 0.0
        self.wanted: deque[Wanted] = deque()
        self._made: list[Made] = []

    def fileno(self) -> int:
        return self._fd

    def ask(self, wanted: Iterable[Wanted]) -> None:
        self.wanted.extend(wanted)

    def look(self) -> list[Made]:
        made, self._made = self._made, []
        return made

    def give_way(self) -> None:
        """It takes no time."""

    def close(self) -> None:
        """Nothing is held."""

    def make(self, count: int = 1000, size: int = SIZE) -> None:
        for _ in range(min(count, len(self.wanted))):
            one = self.wanted.popleft()
            data = picture(one.seq, one.trigger_s)[:size]
            write(self._fd, one.slot, SLOT_BYTES, data)
            crc32 = zlib.crc32(data)
            self._made.append(Made(one.seq, size, 1, 1, crc32) if size else Made(one.seq))

    def die(self) -> None:
        self.wanted.clear()
        self.deaths += 1
        self.last_death = "killed by SIGKILL"


class Belt:
    """Items ten a second, half a second from the feeder to the photo-eye, shifted as one likes."""

    def __init__(self, count: float = math.inf) -> None:
        self.count = count
        self.shift_s = 0.0

    def item(self, seq: int) -> BeltItem:
        fed_s = seq / 10 + self.shift_s
        return BeltItem(seq, fed_s, fed_s + 0.5, seq / 10)

    def since(self, mark: FeedMark) -> Iterator[BeltItem]:
        seq = mark.seq
        while seq < self.count:
            yield self.item(seq)
            seq += 1


def picture(seq: int, trigger_s: float) -> bytes:
    return f"{seq} in the light of {trigger_s}".encode().ljust(SIZE)


def nobody(seq: int) -> bool:
    """No item is settled."""
    return False


def in_the_light_of_its_moment(item: BeltItem) -> float:
    return item.trigger_s


class Scene:
    """A lead with a maker by hand; told what it said of the maker's deaths."""

    def __init__(
        self,
        belt: Belt,
        light: Callable[[BeltItem], float] = in_the_light_of_its_moment,
        speed: float | str = 1.0,
        most_bytes: int = 10**6,
        **camera: Any,
    ) -> None:
        options = [(f"camera.{key}", value) for key, value in {"prepare_mb": 1, **camera}.items()]
        settings = load(environment={}, options=[("line.speed", speed), *options])
        self.slots = Slots(most_bytes, SLOT_BYTES, SIZE)
        self.maker = HandMaker(self.slots)
        self.told: list[str] = []
        self.lead = Lead(
            self.maker,  # type: ignore[arg-type]
            self.slots,
            settings,
            light,
            belt.since,
            FIRST,
            lambda number, text: self.told.append(f"{number}: {text}"),
        )

    def build(self) -> None:
        """Until nothing more is wanted; it looks at so many items in a turn."""
        idle = 0
        for _ in range(10_000):
            self.lead.turn()
            idle = 0 if self.maker.wanted else idle + 1
            if idle > 40:
                return
            self.maker.make()
        raise AssertionError("it always wants more")

    def close(self) -> None:
        self.lead.close()


def test_the_belt_begins_with_so_many_seconds_of_pictures() -> None:
    belt = Belt()
    with closing(Scene(belt, lead_s=2.0)) as scene:
        scene.lead.turn()
        assert len(scene.maker.wanted) == MOST_ASKED
        assert not scene.lead.is_built

        scene.build()

        assert scene.lead.is_built
        assert 21 <= scene.lead.made <= 26
        shot = scene.lead.shot(belt.item(7))
        assert shot is not None
        assert shot.data == picture(7, belt.item(7).trigger_s)
        assert shot.crc32 == zlib.crc32(shot.data)


def test_a_short_run_needs_no_more_than_its_pictures() -> None:
    with closing(Scene(Belt(5), lead_s=60.0)) as scene:
        scene.build()
        assert (scene.lead.made, scene.lead.is_built) == (5, True)


def test_all_pictures_are_made_before_the_belt_runs() -> None:
    belt = Belt(300)
    with closing(Scene(belt, prepare="all")) as scene:
        scene.build()
        assert (scene.lead.made, scene.lead.is_built) == (300, True)
        scene.lead.follow(belt.since, Clock(monotonic(), 1.0), nobody)
        scene.build()
        assert scene.lead.made == 300


def test_all_pictures_without_room_are_refused_with_the_figures() -> None:
    with (
        closing(Scene(Belt(20_000), prepare="all")) as scene,
        pytest.raises(
            StageDied,
            match=r"camera.prepare: .* 10000 of them take 1 MB, and camera.prepare_mb = 1",
        ),
    ):
        scene.build()


def test_a_lead_without_room_begins_with_what_it_has() -> None:
    with closing(Scene(Belt(), lead_s=60.0, most_bytes=20 * SIZE)) as scene:
        scene.build()
        assert scene.lead.made == 20
        assert scene.lead.is_built


def test_the_lead_follows_a_belt_that_runs() -> None:
    belt = Belt()
    with closing(Scene(belt, lead_s=2.0)) as scene:
        scene.build()
        begun = Clock(monotonic() - 100.0, 1.0)  # item 1000 is fed now
        scene.lead.follow(belt.since, begun, nobody)
        for seq in range(1000):
            scene.lead.has(belt.item(seq))
            scene.lead.passed(seq)
        scene.build()

        assert scene.lead.shot(belt.item(0)) is None
        assert 10 <= scene.lead.made <= 30
        assert scene.lead.has(belt.item(1015)), "none that is about to be fed, but those after it"


def test_a_picture_is_not_used_when_the_light_is_another() -> None:
    belt = Belt()
    with closing(Scene(belt)) as scene:
        scene.build()
        belt.shift_s = 0.25
        assert not scene.lead.has(belt.item(0))
        assert scene.lead.shot(belt.item(0)) is None

        scene.lead.replan()
        scene.build()

        shot = scene.lead.shot(belt.item(9))
        assert shot is not None
        assert shot.data == picture(9, belt.item(9).trigger_s)


def test_a_picture_is_used_at_another_moment_in_the_same_light() -> None:
    belt = Belt()
    with closing(Scene(belt, light=lambda item: 1.0)) as scene:
        scene.build()
        made = scene.lead.made
        belt.shift_s = 0.25
        scene.lead.replan()
        scene.lead.turn()
        assert not scene.maker.wanted
        assert scene.lead.made == made
        assert scene.lead.has(belt.item(9))


def test_what_a_dead_maker_was_asked_for_is_left_to_the_camera() -> None:
    belt = Belt()
    with closing(Scene(belt)) as scene:
        scene.lead.turn()
        scene.maker.make(3)
        scene.lead.turn()
        scene.maker.die()
        scene.build()

        assert scene.lead.is_built
        assert [scene.lead.has(belt.item(seq)) for seq in range(12)] == [
            *[True] * 3,
            *[False] * (MOST_ASKED - 3),
            *[True] * 4,
        ]
        assert len(scene.told) == 1
        assert scene.told[0].startswith("1: lost the process that makes its pictures ahead")


def test_what_cannot_be_made_is_left_to_the_camera() -> None:
    belt = Belt()
    with closing(Scene(belt)) as scene:
        scene.lead.turn()
        scene.maker.make(1, size=0)
        scene.build()
        assert not scene.lead.has(belt.item(0))
        assert scene.lead.has(belt.item(1))


def test_a_belt_on_the_max_clock_waits_for_what_is_on_its_way() -> None:
    belt = Belt()
    with closing(Scene(belt, speed="max", window_frames=4)) as scene:
        scene.lead.follow(belt.since, Clock(monotonic(), math.inf), nobody)
        assert scene.lead.is_built, "the belt does not wait to begin"
        scene.lead.turn()
        assert len(scene.maker.wanted) == 4
        assert [scene.lead.awaits(seq) for seq in (0, 3, 9)] == [True, True, True]
        scene.maker.make(1)
        scene.lead.turn()
        assert not scene.lead.awaits(0)
        assert scene.lead.has(belt.item(0))
        scene.maker.is_ready = False
        scene.maker.die()
        scene.lead.turn()
        assert not any(scene.lead.awaits(seq) for seq in range(10))


STEPS = st.sampled_from(["turn", "make", "fail", "die", "feed", "pass", "shift"])


@given(speed=st.sampled_from([1.0, "max"]), steps=st.lists(STEPS, max_size=80))
def test_whatever_happens_no_other_picture_is_used_and_every_slot_comes_back(
    speed: float | str, steps: list[str]
) -> None:
    belt = Belt(40)
    fed = passed = 0
    with closing(Scene(belt, speed=speed, window_frames=8)) as scene:
        far = Clock(monotonic() + 10.0, 1.0 if speed == 1.0 else math.inf)
        scene.lead.follow(belt.since, far, nobody)
        for step in steps:
            match step:
                case "turn":
                    scene.lead.turn()
                case "make":
                    scene.maker.make(2)
                case "fail":
                    scene.maker.make(1, size=0)
                case "die":
                    scene.maker.die()
                    scene.lead.turn()
                case "feed" if fed < 40:
                    scene.lead.has(belt.item(fed))
                    fed += 1
                case "pass" if passed < fed:
                    item = belt.item(passed)
                    shot = scene.lead.shot(item)
                    assert shot is None or shot.data == picture(item.seq, item.trigger_s)
                    scene.lead.passed(passed)
                    passed += 1
                case "shift":
                    belt.shift_s += 0.01
                    scene.lead.replan()
        scene.build()
        for seq in range(passed, 40):
            scene.lead.passed(seq)
        scene.build()
        assert scene.lead.made == 0
        assert scene.slots.take() == 0, "the first slot is free"
        assert scene.slots.used_bytes <= 40 * SIZE
