"""Rows and statistics in, lines of alerts.jsonl and facts for the status out."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from line.config import load
from line.outcome import Outcome, Verdict
from line.process.control_messages import LaneDrift
from line.run_files.picture_statistics import StatisticsWriter
from reports.alerts import read_alerts
from sinks.alerts import Alerts
from sinks.drift_watch import DriftWatch
from tests.sinks.test_alerts import Clock, alarms, raised
from tests.sinks.test_csv_log import outcome

DARK_FROM, DARK_TO, ITEMS = 200, 300, 600


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """A run folder with the statistics of its pictures, and its rows; a while it is dark."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(4)
    rows = []
    with closing(StatisticsWriter(folder, 0)) as writer:
        for seq in range(ITEMS):
            light = 80 if DARK_FROM <= seq < DARK_TO else 120
            writer.write(seq, (round(light + 6 * rng.normal()), 100, 128, 128))
            name = ("glass", "metal")[seq % 3 == 0]
            confidence = round(float(rng.uniform(0.6, 0.99)), 5)
            rows.append(outcome(seq, predicted_class=name, confidence=confidence))
    return folder, rows


def watch(folder: Path) -> DriftWatch:
    settings = load(assignments=["drift.learn_items=60", "drift.clear_items=80"], environment={})
    return DriftWatch(settings, folder)


def opened(folder: Path, path: Path, clock: Clock, state: dict[str, Any] | None = None) -> Alerts:
    alerts = Alerts(path, load(environment={}).alerts, drift=watch(folder), clock=clock)
    alerts.restore(None if state is None else json.loads(json.dumps(state)))
    return alerts


def drift_lines(path: Path) -> list[dict[str, Any]]:
    lines = [line for line in raised(path) if line["kind"].startswith("drift_")]
    return [{key: value for key, value in line.items() if key != "at"} for line in lines]


def test_a_drift_is_an_event_at_once_an_alarm_once_it_has_lasted_and_over_in_the_end(
    run: tuple[Path, list[Outcome]], tmp_path: Path
) -> None:
    (folder, rows), path, clock = run, tmp_path / "alerts.jsonl", Clock()
    alerts, facts = opened(folder, path, clock), []
    for row in rows:
        clock.now += 1
        alerts.take([row])
        facts.append(alerts.report()[1]["drift"][0])
    alerts.close()
    noticed, over = drift_lines(path)
    assert noticed["kind"] == "drift_noticed"
    assert (noticed["source"], noticed["statistic"]) == ("camera-0", "light")
    assert DARK_FROM <= int(noticed["frame_id"].removeprefix("0-")) < DARK_FROM + 40
    assert abs(int(noticed["since"].removeprefix("0-")) - DARK_FROM) <= 20
    assert over["kind"] == "drift_over"
    assert DARK_TO + 60 <= int(over["frame_id"].removeprefix("0-")) < ITEMS
    assert alarms(path) == ["drift-camera-0-1", "off drift-camera-0-1"]
    (told,) = read_alerts(path).drifts
    assert (told.since, told.over) == (noticed["since"], over["frame_id"])
    assert not read_alerts(path).has_drifted
    for each in facts:
        LaneDrift.model_validate(each)
    assert [each["learned"] for each in facts[:3]] == [1, 2, 3]
    assert facts[DARK_TO]["moved"] == [noticed["text"].removeprefix("camera-0: ")]
    assert facts[-1]["moved"] == []


def test_a_killed_sink_goes_on_exactly(run: tuple[Path, list[Outcome]], tmp_path: Path) -> None:
    (folder, rows), whole, parts = run, tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    alerts = opened(folder, whole, Clock())
    alerts.take(rows)
    alerts.close()
    state: dict[str, Any] | None = None
    for begin in range(0, ITEMS, 45):
        alerts = opened(folder, parts, Clock(), state)
        alerts.take(rows[begin : begin + 45])
        state = alerts.state()
        alerts.take(rows[begin + 45 : begin + 65])  # written, and no checkpoint after it
    assert drift_lines(parts) == drift_lines(whole)
    assert len(drift_lines(parts)) == 2


def test_each_model_has_its_own_past_and_a_swap_back_finds_it(
    run: tuple[Path, list[Outcome]],
) -> None:
    folder, rows = run
    with closing(watch(folder)) as drift:
        for row in rows[:100]:
            drift.take(row)
        drift.take(outcome(100, model="ba9876543210"))
        assert drift.facts()[0]["learned"] == 1
        drift.take(rows[101])
        assert drift.facts()[0]["learned"] == 60
        unanswered = outcome(102, verdict=Verdict.DROPPED, predicted_class=None, confidence=None)
        assert drift.take(unanswered) == []
        restored = watch(folder)
        restored.restore(json.loads(json.dumps(drift.state())))
        assert restored.state() == drift.state()
        restored.close()
