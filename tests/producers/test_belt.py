from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate, count, islice

import pytest
import simpy
from hypothesis import example, given
from hypothesis import strategies as st

from line.belt_changes import BeltSpeedChanged, Paused, Unpaused
from line.settings import BeltSettings
from producers.belt import Belt, Stage
from producers.feed import FeedMark

Event = tuple[Stage | str, int, float]
"""(stage, sequence, belt time in seconds)"""
FED, TRIGGER, DEADLINE, EJECTOR, END, SHIFTED = Stage


def belt_settings(**changes: float) -> BeltSettings:
    """Half a second to the camera, one more to the ejector, a quarter more to the end."""
    values = {
        "speed_m_per_s": 1.0,
        "infeed_to_camera_m": 0.5,
        "camera_to_ejector_m": 1.0,
        "ejector_to_end_m": 0.25,
        "actuator_ms": 250.0,
        "min_gap_m": 0.0,
        "item_mass_g": 50.0,
        "residue_class": "trash",
    }
    return BeltSettings.model_validate(values | changes)


class ListFeed:
    """Items at given belt times, each asked for once; the feeder's own time is the same."""

    def __init__(self, arrivals: Iterable[float]) -> None:
        self._arrivals = arrivals

    def since(self, mark: FeedMark) -> Iterator[tuple[float, float]]:
        return ((time_s, time_s) for time_s in islice(self._arrivals, mark.seq, None))


class Lane:
    """A belt in virtual time and the log of everything that happened on it."""

    def __init__(self, arrivals: Iterable[float], first: int = 0, **settings: float) -> None:
        self.env = simpy.Environment()
        self.log: list[Event] = []
        self.belt = Belt(
            self.env,
            belt_settings(**settings),
            ListFeed(arrivals),
            lambda stage, item: self.log.append((stage, item.seq, self.env.now)),
            first=FeedMark(first),
        )

    def run(self) -> list[Event]:
        self.env.run()
        return self.log

    def run_until_done(self) -> list[Event]:
        """Step as the camera does: no further than the belt has something to do."""
        while not self.belt.is_done:
            self.env.step()
        return self.log

    def fed(self) -> list[int]:
        return [seq for stage, seq, _ in self.log if stage is FED]


def test_an_item_passes_every_stage_at_its_time():
    assert Lane([1.0]).run() == [
        (FED, 0, 1.0),
        (TRIGGER, 0, 1.5),
        (DEADLINE, 0, 2.25),
        (EJECTOR, 0, 2.5),
        (END, 0, 2.75),
    ]


def test_a_regular_feed_interleaves_in_time():
    assert Lane([0.5, 0.9375, 1.375]).run() == [
        (FED, 0, 0.5),
        (FED, 1, 0.9375),
        (TRIGGER, 0, 1.0),
        (FED, 2, 1.375),
        (TRIGGER, 1, 1.4375),
        (DEADLINE, 0, 1.75),
        (TRIGGER, 2, 1.875),
        (EJECTOR, 0, 2.0),
        (DEADLINE, 1, 2.1875),
        (END, 0, 2.25),
        (EJECTOR, 1, 2.4375),
        (DEADLINE, 2, 2.625),
        (END, 1, 2.6875),
        (EJECTOR, 2, 2.875),
        (END, 2, 3.125),
    ]


def test_a_belt_twice_as_fast_takes_half_the_time_but_the_actuator_does_not():
    assert Lane([1.0], speed_m_per_s=2.0).run() == [
        (FED, 0, 1.0),
        (TRIGGER, 0, 1.25),
        (DEADLINE, 0, 1.5),
        (EJECTOR, 0, 1.75),
        (END, 0, 1.875),
    ]


def test_the_deadline_of_an_actuator_slower_than_the_belt_is_the_trigger_itself():
    assert Lane([1.0], actuator_ms=5000.0).run()[1:4] == [
        (TRIGGER, 0, 1.5),
        (DEADLINE, 0, 1.5),
        (EJECTOR, 0, 2.5),
    ]


def test_an_item_knows_when_it_is_fed_and_triggered():
    items = []
    env = simpy.Environment()
    Belt(
        env,
        belt_settings(),
        ListFeed([1.0]),
        lambda _, item: items.append((item.fed_s, item.trigger_s)),
    )
    env.run()

    assert items == [(1.0, 1.5)] * len(set(Stage) - {SHIFTED})


@given(gaps=st.lists(st.floats(0, 3), min_size=1, max_size=30))
def test_items_keep_their_order_and_their_distance_at_every_stage(gaps):
    arrivals = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    log = Lane(arrivals).run()

    for stage in set(Stage) - {SHIFTED}:
        passed = [(seq, time) for at, seq, time in log if at is stage]
        offset = passed[0][1] - arrivals[0]
        assert [seq for seq, _ in passed] == list(range(len(gaps)))
        assert [time for _, time in passed] == pytest.approx([a + offset for a in arrivals])


def test_a_belt_stopped_in_the_middle_lets_what_it_carries_run_through():
    lane = Lane([1.0, 2.0, 3.0, 4.0])
    lane.env.run(until=2.25)
    lane.belt.stop_feeding(lane.env.now)
    lane.run_until_done()

    assert lane.fed() == [0, 1]
    assert lane.log[-1] == (END, 1, 3.75)


def test_an_item_due_at_the_very_moment_of_the_stop_is_fed():
    lane = Lane([1.0, 2.0, 3.0])
    lane.belt.stop_feeding(2.0)
    lane.run()

    assert lane.fed() == [0, 1]


def test_a_belt_stopped_before_the_first_item_ends_without_one():
    lane = Lane([1.0, 2.0])
    lane.belt.stop_feeding(0.5)

    assert lane.run_until_done() == []


def test_a_stop_in_the_future_lets_items_on_until_then():
    lane = Lane([1.0, 2.0, 3.0])
    lane.belt.stop_feeding(2.5)
    lane.env.run(until=1.75)

    assert not lane.belt.is_done
    assert [event for event in lane.run_until_done() if event[0] is FED] == [
        (FED, 0, 1.0),
        (FED, 1, 2.0),
    ]


@pytest.mark.parametrize("stops", [(1.5, 9.0), (9.0, 1.5)])
def test_the_earliest_stop_counts(stops):
    lane = Lane([1.0, 2.0])
    for stop_s in stops:
        lane.belt.stop_feeding(stop_s)
    lane.run()

    assert lane.fed() == [0]


def test_a_stopped_belt_is_done_without_waiting_for_an_item_of_the_far_future():
    lane = Lane([1.0, 1e12])
    lane.env.run(until=1.25)
    lane.belt.stop_feeding(lane.env.now)
    lane.run_until_done()

    assert lane.env.now == 2.75
    assert lane.fed() == [0]


def test_a_stopped_belt_never_asks_an_endless_feed_for_more_than_the_next_item():
    asked = []

    def endless() -> Iterator[float]:
        while True:
            asked.append(float(len(asked) + 1))
            yield asked[-1]

    lane = Lane(endless())
    lane.env.run(until=2.5)
    lane.belt.stop_feeding(lane.env.now)
    lane.run_until_done()

    assert asked == [1.0, 2.0, 3.0]


@given(
    arrivals=st.lists(st.floats(0.001, 50), min_size=1, max_size=12).map(sorted),
    steps=st.integers(1, 60),
)
@example(arrivals=[0.36354898945761344, 0.9987528608950272, 2.1647317383422218], steps=6)
def test_a_belt_told_beforehand_feeds_what_the_belt_stopped_on_the_way_had_fed(arrivals, steps):
    """So a restarted camera, which knows when its predecessor stopped, misses no item."""
    stopped = Lane(arrivals)
    for _ in range(steps):
        if math.isfinite(stopped.env.peek()):
            stopped.env.step()
    stop_s = stopped.env.now
    stopped.belt.stop_feeding(stop_s)
    before = stopped.fed()
    told = Lane(arrivals)
    told.belt.stop_feeding(stop_s)

    told.run_until_done()

    assert told.fed()[: len(before)] == before


def test_a_belt_is_done_when_the_last_item_is_off():
    lane = Lane([1.0, 2.0])
    states = []
    while math.isfinite(lane.env.peek()):
        lane.env.step()
        states.append((lane.env.now, lane.belt.riding, lane.belt.is_done))

    assert not any(done for now, _, done in states if now < 3.75)
    assert states[-1] == (3.75, 0, True)
    assert max(riding for _, riding, _ in states) == 2


def test_a_belt_that_is_empty_between_two_items_is_not_done():
    lane = Lane([1.0, 100.0])
    lane.env.run(until=50)

    assert lane.belt.riding == 0
    assert not lane.belt.is_done


def test_a_belt_without_items_is_done_at_once():
    lane = Lane([])

    assert not lane.belt.is_done, "nobody has looked at the feed yet"
    lane.env.step()
    assert lane.belt.is_done
    assert lane.run() == []


def test_timed_actions_fire_on_the_clock_of_the_belt():
    lane = Lane([1.0], ejector_to_end_m=0.0)
    for time_s in (2.0, 0.0, 1.25):
        lane.belt.at(time_s, lambda t=time_s: lane.log.append(("action", 0, t)))

    assert lane.run() == [
        ("action", 0, 0.0),
        (FED, 0, 1.0),
        ("action", 0, 1.25),
        (TRIGGER, 0, 1.5),
        ("action", 0, 2.0),
        (DEADLINE, 0, 2.25),
        (EJECTOR, 0, 2.5),
        (END, 0, 2.5),
    ]


def test_an_action_behind_the_end_of_the_belt_does_not_keep_it_from_being_done():
    lane = Lane([1.0])
    lane.belt.at(1000.0, lambda: lane.log.append(("action", 0, lane.env.now)))
    lane.run_until_done()

    assert lane.env.now == 2.75
    assert lane.run()[-1] == ("action", 0, 1000.0)


@given(st.lists(st.floats(0.01, 2.0), max_size=12), st.data())
def test_what_is_history_rides_no_more_and_all_else_as_before(gaps, data):
    arrivals = list(accumulate(gaps))
    first = data.draw(st.integers(0, max(0, len(arrivals) - 1)))
    whole = Lane(arrivals).run()
    assert Lane(arrivals, first).run() == [event for event in whole if event[1] >= first]


def test_a_belt_that_begins_late_never_asks_for_its_past():
    asked = []

    class Endless:
        def since(self, mark: FeedMark) -> Iterator[tuple[float, float]]:
            for seq in count(mark.seq):
                asked.append(seq)
                yield seq / 8, seq / 8

    triggered = []
    env = simpy.Environment()
    first = FeedMark(10_000_000, (10_000_000 - 1) / 8)
    Belt(
        env,
        belt_settings(),
        Endless(),
        lambda stage, item: triggered.append(item) if stage is TRIGGER else None,
        first=first,
    )
    env.run(until=10_000_000 / 8 + 1)
    assert asked[0] == 10_000_000
    assert (triggered[0].seq, triggered[0].mark) == (10_000_000, first)


def test_items_that_passed_are_told_again_as_they_were():
    changes = [BeltSpeedChanged(at_s=3.0, m_per_s=0.5), Paused(at_s=4.0), Unpaused(at_s=6.0)]
    seen = []
    env = simpy.Environment()
    belt = Belt(
        env,
        belt_settings(),
        ListFeed([1.0, 2.5, 3.25, 4.5, 5.0]),
        lambda stage, item: seen.append(item) if stage is TRIGGER else None,
    )
    belt.follow(changes)
    env.run()
    assert [item.seq for item in seen] == [0, 1, 2, 3, 4]
    for item in seen:
        assert list(belt.items_since(item.mark)) == seen[item.seq :]


def test_the_next_trigger_is_known_before_it_comes_also_when_the_belt_slows_down() -> None:
    lane = Lane([0.0, 0.2, 0.4])
    lane.env.process(_orders(lane, 0.45, BeltSpeedChanged(at_s=0.6, m_per_s=0.5)))
    expected: list[float] = []
    known: list[float] = []
    while lane.env.peek() < math.inf:
        before = len(lane.log)
        next_s = lane.belt.next_trigger_s
        lane.env.step()
        for stage, _, at_s in lane.log[before:]:
            if stage is TRIGGER:
                expected.append(at_s)
                known.append(next_s)
    assert len(expected) == 3
    assert known == pytest.approx(expected)
    assert lane.belt.next_trigger_s == math.inf


def test_the_next_arrival_is_known_before_it_comes_and_none_behind_a_stop() -> None:
    lane = Lane([0.5, 1.0, 2.0])
    lane.belt.stop_feeding(1.5)
    known: dict[float, float] = {}
    while lane.env.peek() < math.inf:
        lane.env.step()
        known.setdefault(lane.belt.next_arrival_s, lane.env.now)
    assert list(known) == [0.5, 1.0, 2.0, math.inf]
    assert all(at_s < next_s for next_s, at_s in known.items()), "none is in the past"
    assert lane.fed() == [0, 1]


def test_the_next_action_is_known_before_it_is_called() -> None:
    lane = Lane([0.0])
    called: list[float] = []
    for at_s in (2.0, 0.75):
        lane.belt.at(at_s, lambda: called.append(lane.env.now))
    known: list[float] = []
    while lane.env.peek() < math.inf:
        next_s, before = lane.belt.next_alarm_s, len(called)
        lane.env.step()
        known += [next_s] * (len(called) - before)
    assert known == called == [0.75, 2.0]
    assert lane.belt.next_alarm_s == math.inf


def test_the_way_to_the_camera_is_longer_on_a_slower_belt() -> None:
    lane = Lane([0.0])
    assert lane.belt.to_camera_s == 0.5
    lane.belt.follow([BeltSpeedChanged(at_s=0.0, m_per_s=0.25)])
    assert lane.belt.to_camera_s == 2.0


def _orders(lane: Lane, at_s: float, change: BeltSpeedChanged) -> Iterator[simpy.Event]:
    yield lane.env.timeout(at_s)
    lane.belt.follow([change])
