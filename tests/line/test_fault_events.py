"""Timed faults: what each does, that the same items suffer each time, and that none is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from line.config import load
from line.errors import BadInput
from line.events import Corrupt, Drift, Event, Poison, Stall, Surge
from line.pace import Pace, belt_pace, feeder_pace
from line.settings import Settings
from producers.arrivals import lane_arrivals
from producers.belt import BeltItem
from producers.faults import PictureFaults
from tests.running_line import assert_accounted, called
from workers.faults import WorkerFaults


def event(**values: object) -> Any:
    return TypeAdapter(Event).validate_python(values)


def settings(*events: Event) -> Settings:
    plain = load(environment={}, options=[("line.items", 40)])
    return plain.model_copy(update={"events": events})


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{ at_s = 1, action = "melt" }', "events.0.action: must be one of 'kill', 'freeze', "),
        ("{ at_s = 1 }", "events.0.action: missing"),
        ('{ at_s = 1, action = "freeze", role = "dispatcher" }', "events.0.duration_s: missing"),
        ('{ at_s = 1, action = "slow", duration_s = 1, factor = 1 }', "events.0.factor: "),
        ('{ at_s = 1, action = "slow", duration_s = 1, factor = 2, role = "worker" }', "0.role: "),
        ('{ at_s = 1, action = "corrupt", duration_s = 1, share = 1.5 }', "events.0.share: "),
        ('{ at_s = 1, action = "stall", duration_s = 1, index = 1 }', "there is no camera-1"),
        ('{ at_s = 1, action = "slow", duration_s = 1, factor = 2, index = 9 }', "no worker-9"),
        ('{ at_s = 1, action = "drift", factor = 10 }', "events.0.factor: the item would take "),
        ('{ at_s = 1, action = "surge", factor = 2, duration_s = 0 }', "events.0.duration_s: "),
    ],
)
def test_a_wrong_event_is_named(text: str, complaint: str) -> None:
    with pytest.raises(BadInput) as error:
        load(assignments=[f"events=[{text}]", "belt.actuator_ms=100"], environment={})
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_one_scenario_shows_every_fault() -> None:
    actions = {e.action for e in load(scenario="every_fault", environment={}).events}
    assert actions == {
        *("kill", "freeze", "slow", "stall", "dim", "drift", "surge", "corrupt", "poison")
    }


# -- the belt -------------------------------------------------------------------------------------


def test_a_pace_without_steps_is_a_division() -> None:
    assert Pace(3.0).duration_s(1.1, 0.7) == 0.7 / 3.0


def test_a_belt_that_drifts_takes_the_rest_of_the_way_at_its_new_speed() -> None:
    pace = belt_pace(2.0, [event(action="drift", at_s=5, factor=0.5)])
    assert pace.duration_s(0.0, 4.0) == 2.0
    assert pace.duration_s(4.0, 4.0) == pytest.approx(1.0 + 2.0)
    assert pace.duration_s(9.0, 4.0) == 4.0


def test_drifts_are_of_the_nominal_speed_and_do_not_add_up() -> None:
    drifts: list[Drift] = [
        event(action="drift", at_s=2, factor=1),
        event(action="drift", at_s=1, factor=4),
    ]
    assert belt_pace(1.0, drifts).duration_s(0.0, 6.0) == pytest.approx(1 + 1 + 1)


def test_a_surge_feeds_the_same_items_sooner() -> None:
    surge: Surge = event(action="surge", at_s=1.0, duration_s=1.0, factor=4.0)
    calm, hasty = (list(lane_arrivals(settings(*e), 0, None)) for e in ((), (surge,)))
    assert len(calm) == len(hasty) == 40
    for before, after in zip(calm, hasty, strict=True):
        expected = before if before <= 1 else 1 + (before - 1) / 4 if before <= 5 else before - 3
        assert after == pytest.approx(expected)


def test_a_surge_that_begins_in_another_takes_its_place() -> None:
    first = event(action="surge", at_s=0, duration_s=10, factor=2)
    second = event(action="surge", at_s=1, duration_s=1, factor=4)
    assert feeder_pace([second, first]).duration_s(0.0, 2 + 4 + 5) == pytest.approx(1 + 1 + 5)


# -- pictures -------------------------------------------------------------------------------------


def item(seq: int, trigger_s: float) -> BeltItem:
    return BeltItem(seq, trigger_s - 0.5, trigger_s)


def test_a_stalled_picture_leaves_when_all_stalls_are_over() -> None:
    first: Stall = event(action="stall", at_s=1, duration_s=1)
    second: Stall = event(action="stall", at_s=1.5, duration_s=2)
    faults = PictureFaults(settings(second, first), 0)
    moments = [faults.released_s(item(0, at_s)) for at_s in (0.9, 1.0, 1.9, 3.5)]
    assert moments == [0.9, 3.5, 3.5, 3.5]
    elsewhere = PictureFaults(settings(first), 1)
    assert elsewhere.released_s(item(0, 1.0)) == 1.0


def test_the_same_share_of_pictures_is_damaged_each_time() -> None:
    corrupt: Corrupt = event(action="corrupt", at_s=10, duration_s=10, share=0.25)
    whole = bytes(range(256)) * 40

    def arrived() -> list[bytes]:
        faults = PictureFaults(settings(corrupt), 0)
        return [faults.transmit(item(seq, 10 + seq / 100), whole) for seq in range(1200)]

    data = arrived()
    assert data == arrived()
    assert data[1000:] == [whole] * 200, "it is over"
    damaged = [each for each in data if each != whole]
    assert 200 <= len(damaged) <= 300
    cut = sum(len(each) < len(whole) for each in damaged)
    assert 60 <= cut <= len(damaged) - 60, "some are cut short, some altered"


def test_a_worker_that_is_slow_takes_its_time_until_it_is_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("workers.faults.sleep", slept.append)
    orders: list[dict[str, Any]] = []
    faults = WorkerFaults(settings(), orders)
    faults.linger(0.1)
    orders.append({"kind": "slow", "factor": 3})
    faults.linger(0.1)
    orders.append({"kind": "slow", "factor": 1})
    faults.linger(0.1)
    assert slept == [pytest.approx(0.2)]


def test_a_share_of_one_hits_every_item_of_its_camera_while_it_lasts() -> None:
    poison: Poison = event(action="poison", at_s=2, duration_s=1, share=1, index=1)
    hits = [
        poison.hits(7, camera, 3, at_s)
        for camera, at_s in ((1, 1.9), (1, 2.0), (1, 2.9), (1, 3.0), (0, 2.5))
    ]
    assert hits == [False, True, True, False, False]


# -- the whole line -------------------------------------------------------------------------------


def test_a_line_that_suffers_everything_accounts_for_it(tmp_path: Path, tiny_model: Path) -> None:
    events = (
        '{ at_s = 0.5, action = "freeze", role = "sink", index = "csv_log", duration_s = 0.5 }',
        '{ at_s = 1, action = "slow", index = 0, factor = 50, duration_s = 1 }',
        '{ at_s = 2, action = "stall", duration_s = 0.5 }',
        '{ at_s = 2.5, action = "dim", share = 0, duration_s = 0.5 }',
        '{ at_s = 3, action = "corrupt", share = 1, duration_s = 0.5 }',
        '{ at_s = 4, action = "poison", share = 1, duration_s = 0.1 }',
        '{ at_s = 5, action = "drift", factor = 1.25 }',
    )
    run_dir = tmp_path / "run"
    ran = called(
        *("run", "--json", "--run-dir", run_dir, "--model", tiny_model, "--interval", 0.1),
        *("--workers", 2),
        *("--duration", 6, "--set", f"events=[{', '.join(events)}]", "--source", "procedural"),
        *("--set", "belt.camera_to_ejector_m=6"),  # time enough for three workers to die of one
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    import pandas as pd

    rows = pd.read_csv(run_dir / "results.csv", keep_default_na=False)
    assert_accounted(summary, rows)
    assert summary["items"]["fed"] == 60
    assert [fault["action"] for fault in summary["faults"]] == [
        *("freeze", "slow", "stall", "dim", "corrupt", "poison", "drift")
    ]
    reasons = rows[rows["scheduled_s"].between(3.0, 3.49)]["reason"]
    assert len(reasons) == 5
    assert all("damaged on the way" in text or "bytes instead of" in text for text in reasons)
    poisoned = rows[rows["scheduled_s"].between(4.0, 4.09)]
    (reason,) = poisoned["reason"]
    assert reason in ("3 workers died or hung on it", "no worker was free before the deadline")
    stalled = rows[rows["scheduled_s"].between(2.0, 2.4)]
    assert len(stalled) == 5
    assert stalled["latency_ms"].astype(float).max() > 450
