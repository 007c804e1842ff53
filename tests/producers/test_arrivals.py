from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.config import load
from line.errors import BadInput
from line.settings import InfeedSettings, Settings
from producers.arrivals import FeederFeed, arrivals, lane_arrivals
from producers.feed import FeedMark, mark_at

PROCESSES = ("regular", "poisson", "bursts")
BURST_S, PAUSE_S = 4.0, 2.0
SEED = 7


def infeed(process: str, items_per_min: float = 480.0, pause_s: float = PAUSE_S) -> InfeedSettings:
    return InfeedSettings.model_validate(
        {
            "process": process,
            "items_per_min": items_per_min,
            "burst_s": BURST_S,
            "pause_s": pause_s,
        }
    )


def first(
    count: int, settings: InfeedSettings, min_gap_s: float = 0.0, seed: int = SEED, camera: int = 0
) -> list[float]:
    return list(islice(arrivals(settings, min_gap_s, seed, camera), count))


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def configured(**options: Any) -> Settings:
    """The shipped settings, with `section__key=value` over them."""
    named = [(key.replace("__", "."), value) for key, value in options.items()]
    return load(environment={}, options=named)


def test_a_regular_feed_sets_items_one_interval_apart():
    assert first(4, infeed("regular", items_per_min=240)) == [0.25, 0.5, 0.75, 1.0]


def test_a_regular_feed_is_no_faster_than_the_feeder():
    assert first(3, infeed("regular", items_per_min=240), min_gap_s=0.5) == [0.5, 1.0, 1.5]


@pytest.mark.parametrize("items_per_min", [300, 480, 600, 700, 900, 1000])
def test_a_regular_feed_of_so_many_items_a_minute_feeds_just_as_many_in_a_minute(items_per_min):
    settings = configured(line__duration_s=60, infeed__items_per_min=items_per_min)

    assert len(list(lane_arrivals(settings, 0, None))) == items_per_min


@pytest.mark.parametrize("min_gap_s", [0.0, 0.05])
def test_a_poisson_feed_keeps_the_mean_rate_whatever_its_shortest_gap(min_gap_s):
    items, mean_gap_s = 4000, 60 / 480
    spread_s = (mean_gap_s - min_gap_s) / items**0.5

    measured_s = np.mean(gaps([0.0, *first(items, infeed("poisson"), min_gap_s)]))

    assert abs(measured_s - mean_gap_s) < 4 * spread_s


def test_the_gaps_of_a_poisson_feed_are_exponential():
    mean_gap_s = 60 / 480
    measured = np.sort(gaps([0.0, *first(4000, infeed("poisson"))]))

    expected = 1 - np.exp(-measured / mean_gap_s)
    observed = np.arange(1, measured.size + 1) / measured.size

    # Kolmogorov and Smirnov: one sample in ten thousand would be further off than this.
    assert np.abs(observed - expected).max() < 2.23 / measured.size**0.5


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("min_gap_s", [0.02, 0.1, 0.3])
def test_no_two_items_are_closer_than_the_feeder_can_set_them(process, min_gap_s):
    assert min(gaps(first(2000, infeed(process), min_gap_s))) >= min_gap_s - 1e-9


@pytest.mark.parametrize("process", PROCESSES)
def test_arrivals_ascend(process):
    times = first(2000, infeed(process))

    assert times == sorted(times)
    assert times[0] > 0


def test_a_feeder_slower_than_the_rate_asked_for_feeds_as_fast_as_it_can():
    assert first(3, infeed("poisson", items_per_min=6000), min_gap_s=0.5) == [0.5, 1.0, 1.5]


def test_bursts_have_silent_pauses():
    times = np.array(first(4000, infeed("bursts")))
    cycle, within_s = np.divmod(times, BURST_S + PAUSE_S)

    assert within_s.max() <= BURST_S + 1e-9
    assert within_s.max() > 0.9 * BURST_S
    assert set(cycle) == set(range(int(cycle.max()) + 1)), "every burst feeds something"


def test_a_burst_feeds_at_the_rate_asked_for_while_it_lasts():
    items = 4000
    last_s = first(items, infeed("bursts"))[-1]
    cycles, within_s = divmod(last_s, BURST_S + PAUSE_S)
    feeding_s = cycles * BURST_S + within_s

    assert abs(feeding_s / items - 60 / 480) < 4 * (60 / 480) / items**0.5


def test_bursts_without_pauses_are_a_poisson_feed():
    assert first(500, infeed("bursts", pause_s=0)) == pytest.approx(first(500, infeed("poisson")))


@pytest.mark.parametrize("process", PROCESSES)
def test_the_same_seed_gives_the_same_arrivals(process):
    assert first(300, infeed(process)) == first(300, infeed(process))


@pytest.mark.parametrize("process", ["poisson", "bursts"])
def test_seeds_and_lanes_differ_from_the_first_item_on(process):
    feeds = [
        first(20, infeed(process), seed=seed, camera=camera) for seed in (7, 8) for camera in (0, 1)
    ]

    assert len({feed[0] for feed in feeds}) == 4
    assert len({tuple(gaps(feed)) for feed in feeds}) == 4


@pytest.mark.parametrize("process", PROCESSES)
def test_a_longer_run_begins_like_a_shorter_one(process):
    few = configured(line__items=50, infeed__process=process)
    many = configured(line__items=500, line__duration_s=3600, infeed__process=process)

    assert list(lane_arrivals(few, 0, None)) == list(lane_arrivals(many, 0, None))[:50]


@given(
    items=st.integers(1, 400),
    available=st.none() | st.integers(0, 400),
    cameras=st.integers(1, 16),
)
def test_items_and_pictures_are_dealt_to_the_lanes_in_turn(items, available, cameras):
    settings = configured(line__items=items, line__cameras=cameras)

    lanes = [len(list(lane_arrivals(settings, lane, available))) for lane in range(cameras)]

    assert sum(lanes) == (items if available is None else min(items, available))
    assert lanes == sorted(lanes, reverse=True), "earlier lanes get the odd ones"
    assert max(lanes) - min(lanes) <= 1


def test_a_source_that_ends_ends_the_feed_without_a_number_of_items():
    settings = configured(line__cameras=2)

    assert [len(list(lane_arrivals(settings, lane, 7))) for lane in (0, 1)] == [4, 3]


@pytest.mark.parametrize("process", PROCESSES)
def test_nothing_is_fed_after_the_duration_and_everything_until_then(process):
    limited = configured(line__duration_s=5, infeed__process=process)
    endless = configured(infeed__process=process)

    times = list(lane_arrivals(limited, 0, None))

    assert times == [t for t in islice(lane_arrivals(endless, 0, None), 500) if t <= 5]
    assert times


def test_whichever_limit_comes_first_ends_the_feed():
    short = configured(line__duration_s=1, line__items=100, infeed__items_per_min=480)
    few = configured(line__duration_s=100, line__items=3, infeed__items_per_min=480)

    assert len(list(lane_arrivals(short, 0, None))) == 8
    assert len(list(lane_arrivals(few, 0, None))) == 3


def test_a_run_without_limits_has_no_end():
    times = list(islice(lane_arrivals(configured(), 0, None), 10_000))

    assert len(times) == 10_000


def test_the_shortest_gap_is_a_length_of_belt():
    settings = configured(
        belt__min_gap_m=0.5, belt__speed_m_per_s=2.0, infeed__items_per_min=6000, line__items=3
    )

    assert list(lane_arrivals(settings, 0, None)) == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("limit", [("line__items", 2600), ("line__duration_s", 300)])
@pytest.mark.parametrize("surges", [True, False])
def test_a_feed_goes_on_from_any_item_to_the_bit(process, limit, surges):
    surge = {"at_s": 9.0, "action": "surge", "index": 0, "factor": 3.0, "duration_s": 20.0}
    settings = configured(infeed__process=process, line__cameras=2, **{limit[0]: limit[1]})
    values = settings.model_dump() | {"events": [surge] if surges else []}
    feed = FeederFeed(Settings.model_validate(values), 0, None)
    whole = list(feed.since(FeedMark()))
    assert len(whole) > 1200

    for first in (0, 1, 301, 1023, 1024, 1025, len(whole) - 1, len(whole)):
        before_s = whole[first - 1][0] if first else 0.0
        assert list(feed.since(FeedMark(first, before_s))) == whole[first:]
        assert mark_at(feed, first, FeedMark(), lambda: None) == FeedMark(first, before_s)


def test_the_way_to_a_late_item_is_walked_in_turns_or_not_at_all():
    turns = []
    feed = FeederFeed(configured(infeed__process="poisson"), 0, None)

    mark = mark_at(feed, 50_000, FeedMark(), lambda: turns.append(1))

    assert len(turns) >= 40
    turns.clear()
    assert mark_at(feed, 50_000, mark, lambda: turns.append(1)) == mark
    assert turns == []


def test_an_item_that_the_lane_never_feeds_has_no_place_in_it():
    feed = FeederFeed(configured(line__items=10), 0, None)
    with pytest.raises(BadInput, match=r"the lane feeds 10 items, not the 12 that are settled"):
        mark_at(feed, 11, FeedMark(), lambda: None)
