"""What was measured of some pools at some paces, carried over to others."""

from __future__ import annotations

import pytest

from planner.profile import Crowding, LatencySample, LatencySamples, Service, of_pool
from planner.sim.inference import ServiceTimes
from planner.sim.latency_samples import LatencySampleTable
from planner.sim.machine import SharedMachine
from planner.sim.measured import Measured
from planner.sim.paces import Paces
from planner.sim.slowness import MachineSlowness
from tests.hand_made_profile import hand_made_profile


def test_service_times_are_those_of_the_pool_and_of_the_pace():
    measured = (
        Service(busy=1, batch=1, items_per_s=10.0, ms=(10.0,)),
        Service(workers=1, busy=1, batch=1, items_per_s=30.0, ms=(12.0,)),
        Service(workers=4, busy=1, batch=1, items_per_s=30.0, ms=(20.0,)),
    )
    profile = hand_made_profile().model_copy(update={"service": measured})

    def ms(workers: int, items_per_s: float) -> float:
        paces = Paces(profile)
        return (
            1000 * ServiceTimes(profile, paces, workers).table_s(1, 1, paces.step(items_per_s))[0]
        )

    paces = (5.0, 10.0, 20.0, 30.0, 50.0)
    assert [ms(1, pace) for pace in paces] == pytest.approx([10, 10, 11, 12, 12], abs=0.2)
    assert [ms(3, pace) for pace in paces] == [ms(1, pace) for pace in paces]
    assert [ms(9, pace) for pace in paces] == pytest.approx([10, 10, 15, 20, 20], abs=0.5)


def test_ways_are_those_of_the_pace():
    def samples(items_per_s: float, hop_ms: float) -> LatencySamples:
        sample = LatencySample(publish_ms=0, to_worker_ms=hop_ms, inference=0.5, decision_ms=0)
        return LatencySamples(items_per_s=items_per_s, items=(sample,))

    service = (Service(busy=1, batch=1, items_per_s=64.0, ms=(1.0,)),)
    changes = {"service": service, "latency_samples": (samples(32.0, 4.0), samples(16.0, 8.0))}
    paces = Paces(profile := hand_made_profile().model_copy(update=changes))
    table = LatencySampleTable(profile, paces, workers=1)
    drawn = {
        pace: {round(2000 * table.draw(share, paces.step(pace)).half_way_s) for share in (0.1, 0.9)}
        for pace in (4.0, 16.0, 24.0, 32.0, 64.0)
    }
    assert drawn == {4.0: {8}, 16.0: {8}, 24.0: {4, 8}, 32.0: {4}, 64.0: {4}}


def test_an_item_meets_what_those_met_that_are_most_like_it():
    """A passage takes 10 ms; 40 items each of four kinds, told by their way to the worker."""
    kinds = {1.0: (50.0, 50.0, 0), 2.0: (50.0, 3.0, 0), 3.0: (3.0, 50.0, 0), 4.0: (50.0, 50.0, 1)}
    samples = tuple(
        LatencySample(
            headway_ms=headway_ms,
            follower_ms=follower_ms,
            busy=busy,
            publish_ms=0,
            to_worker_ms=hop_ms,
            inference=0.5,
            decision_ms=0,
        )
        for hop_ms, (headway_ms, follower_ms, busy) in kinds.items()
        for _ in range(40)
    )
    service = (Service(busy=1, batch=1, items_per_s=64.0, ms=(8.0,)),)
    changes = {"service": service, "latency_samples": (LatencySamples(items=samples),)}
    profile = hand_made_profile().model_copy(update=changes)
    table = LatencySampleTable(profile, Paces(profile), workers=2)

    def met(headway_s: float, follower_s: float, busy: int) -> set[int]:
        drawn = (table.draw(share / 10, 0, headway_s, follower_s, busy) for share in range(10))
        return {round(2000 * passage.half_way_s) for passage in drawn}

    assert met(1.0, 1.0, 0) == {1}
    assert met(1.0, 0.002, 0) == {2}
    assert met(0.002, 1.0, 0) == {3}
    assert met(1.0, 1.0, 1) == {4}


def test_pictures_take_longer_by_the_factor_of_the_pool_and_of_the_pace():
    service = (Service(busy=1, batch=1, items_per_s=64.0, ms=(1.0,)),)
    crowding = (
        Crowding(workers=1, items_per_s=64.0, factor=2.0),
        Crowding(workers=2, items_per_s=32.0, factor=2.0),
        Crowding(workers=2, items_per_s=64.0, factor=4.0),
    )
    profile = hand_made_profile().model_copy(update={"service": service, "crowding": crowding})
    paces = Paces(profile)

    def factors(workers: int) -> list[float]:
        times = ServiceTimes(profile, paces, workers)
        return [times.crowding[paces.step(pace)] for pace in (8.0, 48.0, 100.0)]

    assert factors(1) == pytest.approx([1.125, 1.75, 2], abs=0.02)
    assert factors(3) == pytest.approx([1.25, 3, 4], abs=0.04)
    plain = ServiceTimes(hand_made_profile(), Paces(hand_made_profile()), 1)
    assert plain.crowding[0] == 1


_ASCENDING = (
    Crowding(workers=1, items_per_s=0.0, factor=1.0),
    Crowding(workers=1, items_per_s=64.0, factor=65.0),
)


def test_pace_does_not_depend_on_which_camera_tells_first_of_its_items():
    profile = hand_made_profile()
    fast = Service(busy=1, batch=1, items_per_s=64.0, ms=(1.0,))
    profile = profile.model_copy(update={"service": (fast,), "crowding": _ASCENDING})

    def crowding(*fed_s: float) -> float:
        place = SharedMachine(Measured.of(profile, 1), MachineSlowness((), (), 0), "model")
        for moment_s in fed_s:
            place.feed(moment_s, moment_s)
        return place.crowding

    assert crowding(0.0, 0.2, 1.0, 0.1) == crowding(0.0, 0.1, 0.2, 1.0)
    assert crowding(1.0, 0.0) == pytest.approx(crowding(1.0), abs=0.1)


def test_what_was_measured_of_any_pool_gives_way_to_what_was_of_this_one():
    any_pool = tuple(Service(busy=1, batch=1, items_per_s=p, ms=(1.0,)) for p in (10.0, 20.0, 40.0))
    of_two = tuple(
        Service(workers=2, busy=1, batch=1, items_per_s=p, ms=(2.0,)) for p in (20.0, 80.0)
    )
    both_busy = Service(workers=2, busy=2, batch=1, items_per_s=80.0, ms=(3.0,))
    measured = (*any_pool, *of_two, both_busy)
    assert of_pool(measured, 2) == [any_pool[0], *of_two, both_busy]
    assert of_pool(measured, 3) == of_pool(measured, 2)
    assert of_pool(any_pool, 1) == list(any_pool)
