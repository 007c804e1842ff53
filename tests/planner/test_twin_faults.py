"""Faults in virtual time: every item has one row all the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from line.outcome import Verdict
from planner.sim.supervisor import Failures
from planner.sim.twin import simulate
from tests.hand_made_profile import hand_made_profile
from tests.virtual_lines import log_of, rows_of, settings_of


def test_a_killed_worker_is_replaced_and_its_frames_are_done_again():
    """Killed at 1.65 s in the midst of item 0, which expires at 2.35; another is ready at 2.65."""
    kill = {"at_s": 1.65, "action": "kill", "role": "worker", "index": 0}
    rows = rows_of(settings_of([kill], line__items=3), hand_made_profile(inference_ms=100))
    assert log_of(rows) == [
        (0, Verdict.EXPIRED, None),
        (1, Verdict.SORTED, 150.0),
        (2, Verdict.SORTED, 100.0),
    ]
    assert rows[0].attempts == 1
    assert [row.worker for row in rows[1:]] == ["worker-0#2"] * 2


@pytest.mark.parametrize("role", ["csv_log", "alerts", "dispatcher", "camera-0"])
@pytest.mark.parametrize("action", ["kill", "freeze"])
def test_whoever_is_hit_every_item_has_one_row(role: str, action: str):
    target: dict[str, Any] = {"role": role.partition("-")[0], "index": 0}
    if role in ("csv_log", "alerts"):
        target = {"role": "sink", "index": role}
    event = {"at_s": 2.0, "action": action, **target}
    if action == "freeze":
        event["duration_s"] = 1.0
    settings = settings_of([event], line__items=60, infeed__items_per_min=1200.0)
    rows = rows_of(settings)
    assert sorted(row.seq for row in rows) == list(range(60))
    if role == "camera-0" and action == "kill":
        assert "the camera was down" in {row.reason for row in rows}


def test_a_dispatcher_that_dies_frozen_takes_with_it_what_it_had_not_heard():
    """It hangs from 2 s on, and is killed before it hears what has come meanwhile."""
    freeze = {"at_s": 2.0, "action": "freeze", "role": "dispatcher", "duration_s": 8.0}
    settings = settings_of([freeze], line__items=60, infeed__items_per_min=300.0)
    assert settings.supervisor.hang_s < 8
    rows = rows_of(settings)
    assert sorted(row.seq for row in rows) == list(range(60))
    assert Verdict.SORTED in {row.verdict for row in rows if row.scheduled_s > 11}


def test_pictures_that_are_damaged_or_kill_fail():
    corrupt = {"at_s": 0.0, "action": "corrupt", "share": 1.0, "duration_s": 2.0}
    poison = {"at_s": 2.0, "action": "poison", "share": 1.0, "duration_s": 1.0}
    settings = settings_of([corrupt, poison], line__items=3, line__workers=4)
    reasons = [row.reason for row in rows_of(settings)]
    assert reasons[0] == "its picture was damaged on the way: the checksum differs"
    assert reasons[1] == "3 workers died or hung on it"
    assert reasons[2] == ""


def test_a_slow_worker_and_a_stalled_camera_cost_time():
    slow = {"at_s": 1.0, "action": "slow", "index": 0, "factor": 5.0, "duration_s": 1.0}
    stall = {"at_s": 2.5, "action": "stall", "duration_s": 0.5}
    rows = rows_of(settings_of([slow, stall], line__items=3))
    assert [row.latency_ms for row in rows] == [50, 410, 10]


def test_workers_that_fail_by_themselves_are_repaired():
    settings = settings_of(line__duration_s=600.0, line__workers=2)
    failures = Failures(between_s=60.0, repair_s=30.0)
    figures = simulate(settings, hand_made_profile(), failures=failures)
    assert figures.restarts["worker"] > 5
    assert figures.fed == 600
    assert 0.5 < (figures.in_time_rate or 0) < 1


EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.just("kill"),
            "role": st.sampled_from(["worker", "camera", "dispatcher"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.just("freeze"),
            "role": st.just("sink"),
            "index": st.sampled_from(["csv_log", "alerts"]),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.sampled_from(["surge", "slow"]),
            "factor": st.floats(1.1, 5),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.sampled_from(["corrupt", "poison"]),
            "share": st.floats(0.1, 1),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {"at_s": st.floats(0, 4), "action": st.just("drift"), "factor": st.floats(0.3, 3)}
    ),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    events=st.lists(EVENTS, max_size=5),
    speed=st.sampled_from([1.0, 5.0, "max"]),
    credit=st.integers(1, 6),
    seed=st.integers(0, 2**40),
)
def test_whatever_happens_every_item_has_one_row(
    events: list[dict[str, Any]], speed: float | str, credit: int, seed: int
):
    settings = settings_of(
        events,
        line__items=80,
        line__seed=seed,
        line__cameras=2,
        line__workers=2,
        line__speed=speed,
        infeed__items_per_min=1200.0,
        infeed__process="poisson",
        worker__credit=credit,
        camera__window_frames=8,
        review__enabled=True,
    )
    profile = hand_made_profile(inference_ms=30, hop_ms=1, store_ms=4)
    keys = [(row.camera, row.seq) for row in rows_of(settings, profile)]
    assert sorted(keys) == [(camera, seq) for camera in (0, 1) for seq in range(40)]
