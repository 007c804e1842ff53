from __future__ import annotations

import math
from dataclasses import fields
from itertools import repeat
from typing import Any

import pytest

from line.config import load
from line.events import Drift
from line.messages import Frame, Result
from line.outcome import Verdict
from line.pace import belt_pace
from line.settings import Settings
from planner.sim.lane import items
from planner.sim.line_figures import Histogram
from planner.sim.random_draws import BLOCK_ITEMS, random_draws
from planner.sim.stand_ins import Answer, Item
from planner.sim.twin import simulate
from producers.arrivals import lane_arrivals
from tests.hand_made_profile import CLASSES, hand_made_profile

MASSES_G = dict.fromkeys(CLASSES, 12.0)
MORE_THAN_A_BLOCK = BLOCK_ITEMS + 100


def carried(
    events: list[dict[str, Any]] | None = None, **line: Any
) -> tuple[Settings, list[float], list[Item]]:
    """The settings, when its items are fed, and the items of lane 0."""
    settings = load(
        environment={},
        options=[("line.items", MORE_THAN_A_BLOCK), ("infeed.process", "poisson")]
        + [(f"line.{key}", value) for key, value in line.items()],
    )
    settings = Settings.model_validate({**settings.model_dump(), "events": events or []})
    fed_s = list(lane_arrivals(settings, 0, None))
    drawn = random_draws(hand_made_profile(), settings.line.seed, 0)
    return settings, fed_s, list(items(settings, 0, iter(fed_s), repeat("glass"), drawn, MASSES_G))


def test_blocks_follow_one_another_to_the_last_item():
    _, fed_s, lane = carried()
    assert [item.seq for item in lane] == list(range(MORE_THAN_A_BLOCK))
    assert [item.key for item in lane] == [(0, seq) for seq in range(MORE_THAN_A_BLOCK)]
    assert [item.fed_s for item in lane] == fed_s
    shares = [item.answer for item in lane]
    assert shares[:100] != shares[BLOCK_ITEMS:]


def test_an_item_on_a_belt_that_drifts_is_where_its_pace_carries_it():
    drift = {"at_s": 300.0, "action": "drift", "factor": 1.5}
    settings, fed_s, lane = carried([drift], speed=2.0)
    belt = settings.belt
    drifts = [event for event in settings.events if isinstance(event, Drift)]
    ride_s = belt_pace(belt.speed_m_per_s, drifts).duration_s
    for moment_s, item in zip(fed_s, lane, strict=True):
        trigger_s = moment_s + ride_s(moment_s, belt.infeed_to_camera_m)
        left_s = ride_s(trigger_s, belt.camera_to_ejector_m) - belt.actuator_ms / 1000
        assert (item.scheduled_s, item.due) == (trigger_s, trigger_s / 2)
        assert item.deadline == (trigger_s + left_s) / 2


def test_at_max_nothing_is_ever_too_late():
    assert {item.deadline for item in carried(speed="max")[2]} == {math.inf}


@pytest.mark.parametrize(("stand_in", "message"), [(Item, Frame), (Answer, Result)])
def test_a_stand_in_has_all_that_it_stands_in_for(stand_in: type, message: type):
    names = {"key", *(field.name for field in fields(message))}
    assert names <= set(dir(stand_in))


def test_figures_are_the_same_whether_rows_are_read_or_not():
    settings, _, _ = carried(workers=2)
    profile = hand_made_profile(inference_ms=170.1234567, hop_ms=1.7, store_ms=3)
    busy = settings.model_copy(
        update={"infeed": settings.infeed.model_copy(update={"items_per_min": 720.0})}
    )
    unread, read = simulate(busy, profile), simulate(busy, profile, on_row=lambda _: None)
    assert min(read.verdicts[Verdict.SORTED], read.verdicts[Verdict.EXPIRED]) > 0
    assert (unread.fates, unread.reasons) == (read.fates, read.reasons)
    for name in ("latency_ms", "queue_ms", "inference_ms"):
        assert quantiles_ms(getattr(unread, name)) == quantiles_ms(getattr(read, name))


def quantiles_ms(durations: Histogram) -> list[float | None]:
    return [durations.quantile_ms(percent / 100) for percent in range(1, 101)]
