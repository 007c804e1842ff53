"""Orders to a running line: what they do, and that the belt stays the same belt."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import simpy

from line.belt_changes import (
    BeltChange,
    BeltSpeedChanged,
    ClockChanged,
    Paused,
    Unpaused,
    from_note,
    is_paused,
    to_note,
)
from line.belt_time import Clock
from line.errors import BadInput
from line.events import Drift
from line.observe.control_client import Control
from line.observe.orders import ACTIONS, BeltSpeed, Workers, parse_order
from line.pace import belt_pace, pauses
from line.run_files.session import Session
from producers.belt import Belt, BeltItem, Stage
from run_line import main
from tests.line.supervise.test_resume import ResumedLine
from tests.producers.test_belt import ListFeed, belt_settings
from tests.running_line import RunningLine, assert_accounted, poll

WHO = "somebody"


# -- what an order may say --------------------------------------------------------------------


def test_an_order_is_read_by_its_action() -> None:
    assert parse_order({"action": "belt_speed", "m_per_s": 2}) == BeltSpeed(
        action="belt_speed", m_per_s=2.0
    )
    assert parse_order({"action": "workers", "count": 3}) == Workers(action="workers", count=3)
    assert {"pause", "drain", "stop"} < set(ACTIONS)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "None: no such order; there are pause"),
        ({"action": ["pause"]}, "no such order"),
        ({"action": "fly"}, "fly: no such order"),
        ({"action": "pause", "for_s": 3}, "pause.for_s: unknown; pause takes nothing"),
        ({"action": "clock", "speed": 3}, "clock.multiplier: Field required"),
        ({"action": "belt_speed", "m_per_s": 0}, "belt_speed.m_per_s: "),
        ({"action": "belt_speed", "m_per_s": 1e-320}, "belt_speed.m_per_s: "),
        ({"action": "clock", "multiplier": 1e-320}, "clock.multiplier: "),
        ({"action": "swap", "model": "/a\0b"}, "swap.model: must not hold a zero byte"),
        ({"action": "belt_speed", "m_per_s": math.inf}, "belt_speed.m_per_s: "),
        ({"action": "threshold", "value": "x" * 999}, "threshold.value: "),
        ({"action": "workers", "count": 1.5}, "workers.count: "),
        ({"action": "kill", "process": ""}, "kill.process: "),
    ],
)
def test_a_wrong_order_is_one_line_that_names_the_field(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_order(facts)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


# -- changes of the belt ----------------------------------------------------------------------


def test_changes_travel_on_a_channel() -> None:
    changes = [Paused(at_s=1.0), BeltSpeedChanged(at_s=2.0, m_per_s=3.0), Unpaused(at_s=4.0)]
    assert from_note(json.loads(json.dumps(to_note(changes)))) == changes
    assert not is_paused(changes)
    assert is_paused(changes[:2])
    assert not is_paused([])


def test_a_feeder_stands_still_while_it_is_paused() -> None:
    feeder = pauses([Paused(at_s=2.0), Unpaused(at_s=5.0), Paused(at_s=7.0)])
    assert [feeder.duration_s(0.0, fed_s) for fed_s in (1.0, 2.0, 3.0, 4.0)] == [1, 2, 6, 7]
    assert feeder.duration_s(0.0, 4.5) == math.inf


def test_the_last_change_of_speed_holds_be_it_a_drift_or_an_order() -> None:
    drift = Drift(action="drift", at_s=10.0, factor=0.5)
    pace = belt_pace(1.0, [drift], [BeltSpeedChanged(at_s=5.0, m_per_s=3.0)])
    assert [pace.rate_at(moment_s) for moment_s in (0, 5, 9, 10)] == [1, 3, 3, 0.5]


def test_a_clock_that_changes_its_speed_goes_on_without_a_jump() -> None:
    clock = Clock(100.0, 2.0, [ClockChanged(at_s=10.0, multiplier=4.0)])
    clock.follow([ClockChanged(at_s=10.0, multiplier=4.0), ClockChanged(at_s=18.0, multiplier=0.5)])
    assert [clock.wall(belt_s) for belt_s in (-2, 0, 10, 14, 18, 19)] == [
        99,
        100,
        105,
        106,
        107,
        109,
    ]
    for moment in (99.0, 100.0, 105.0, 106.5, 107.0, 111.0):
        assert clock.wall(clock.belt(moment)) == pytest.approx(moment)
    assert clock.elapsed_s(19.0, now=0.0) == 9.0
    assert [clock.speed_at(belt_s) for belt_s in (0, 10, 18)] == [2, 4, 0.5]


Log = list[tuple[Stage, int, float, float]]

CHANGES: list[BeltChange] = [
    Paused(at_s=2.05),
    BeltSpeedChanged(at_s=2.3, m_per_s=0.37),
    Unpaused(at_s=3.71),
    BeltSpeedChanged(at_s=5.9, m_per_s=1.7),
]


def _run_belt(changes: Iterator[tuple[float, list[BeltChange]]]) -> Log:
    """What happens on a belt that hears of `changes` at belt times, as a camera's does."""
    env, log = simpy.Environment(), Log()

    def observe(stage: Stage, item: BeltItem) -> None:
        log.append((stage, item.seq, item.fed_s, item.trigger_s))

    belt = Belt(env, belt_settings(), ListFeed([0.3 * seq for seq in range(30)]), observe)
    for heard_s, known in changes:
        while env.peek() <= heard_s:
            env.step()
        belt.follow(known)
    while not belt.is_done:
        env.step()
    return log


def _items(log: Log, stage: Stage) -> Log:
    return [entry for entry in log if entry[0] is stage]


def test_a_belt_that_is_run_again_is_the_one_whose_orders_came_while_it_ran() -> None:
    live = _run_belt((c.at_s - 0.04, CHANGES[: n + 1]) for n, c in enumerate(CHANGES))
    again = _run_belt(iter([(-1.0, CHANGES)]))
    undisturbed = _run_belt(iter([]))
    for stage in (Stage.TRIGGER, Stage.DEADLINE, Stage.EJECTOR, Stage.END):
        assert _items(live, stage) == _items(again, stage)
        assert len(_items(live, stage)) == 30
    assert _items(live, Stage.TRIGGER) != _items(undisturbed, Stage.TRIGGER)
    assert _items(live, Stage.SHIFTED)
    assert not _items(again, Stage.SHIFTED)
    fed_s = [entry[2] for entry in _items(live, Stage.TRIGGER)]
    assert not [moment for moment in fed_s if 2.05 < moment <= 3.71]


# -- a running line ---------------------------------------------------------------------------


def _status(control: Control, **wanted: object) -> dict[str, Any]:
    """The first status that has all of this."""
    control.watch()

    def fits() -> dict[str, Any] | None:
        for status in control.receive(timeout_s=1.0):
            if all(status[key] == value for key, value in wanted.items()):
                return status
        return None

    found: dict[str, Any] = poll(fits, f"status {wanted}")
    return found


BELT = ["frame_id", "scheduled_s", "true_class", "picture_crc32"]


class SlowDiskLine(RunningLine):
    """Writes session.json so slowly that a moment just ahead has passed when it is written."""

    def __init__(self, run_dir: Path, *arguments: object) -> None:
        super().__init__(run_dir, *arguments)
        self._command[1:2] = ["-m", "tests.slow_disk"]


@pytest.mark.parametrize(
    ("line_on", "items"),
    [(RunningLine, 70), pytest.param(SlowDiskLine, 170, marks=pytest.mark.soak)],
)
def test_a_paused_belt_is_the_same_for_a_killed_camera_and_for_a_resumed_run(
    line_on: type[RunningLine], items: int, tmp_path: Path, tiny_model: Path
) -> None:
    """Its items, arrivals and pictures are those of a belt that is told of the orders at once."""
    options = ("--model", tiny_model, "--interval", 0.1, "--items", items)
    effects = ("--set", "camera.window_frames=256", "--set", "camera.lamp_drift_per_min=0.3")
    run_dir = tmp_path / "run"
    with line_on(run_dir, *options, *effects) as line:
        line.wait_for_rows(5)
        with Control.of(run_dir) as control:
            paused_s = control.order("pause", WHO)["at_s"]
            _status(control, paused=True)
            killed = line.kill("camera-0")
            poll(lambda: _is_replaced(line, "camera-0", killed), "another camera")
            speed_s = control.order("belt_speed", WHO, m_per_s=0.7)["at_s"]
            unpaused_s = control.order("unpause", WHO)["at_s"]
            line.wait_for_rows(35)
            control.order("stop", WHO)
        _, stopped = line.finish()
        assert stopped["ended"] == "stopped"
        with ResumedLine(run_dir) as resumed:
            status, summary = resumed.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert (summary["items"]["fed"], summary["orders"]) == (items, 4)

    fed_s = rows["scheduled_s"].sort_values()
    arrivals = [0.1 * (seq + 1) for seq in range(items)]
    changes = Session.load(run_dir).overrides.changes
    assert [round(change.at_s, 3) for change in changes] == [paused_s, speed_s, unpaused_s]
    feeder, pace = pauses(changes), belt_pace(1.0, [], changes)
    came_s = [feeder.duration_s(0.0, moment_s) for moment_s in arrivals]
    assert list(fed_s) == [
        round(moment_s + pace.duration_s(moment_s, 0.6), 6) for moment_s in came_s
    ]
    assert not [moment_s for moment_s in came_s if paused_s + 0.001 < moment_s < unpaused_s]

    _assert_same_pictures(rows, run_dir, tiny_model, tmp_path / "again")


def _is_replaced(line: RunningLine, name: str, pid: int | None) -> bool:
    return any(p["name"] == name and p["pid"] != pid and p["ready"] for p in line.processes())


def _assert_same_pictures(rows: pd.DataFrame, run_dir: Path, model: Path, again: Path) -> None:
    """A line that begins with the first one's orders brings the same belt."""
    settings = json.loads((run_dir / "settings.json").read_text())
    settings["line"]["speed"] = 8.0
    again.mkdir()
    for name in ("model.json", "session.json"):
        (again / name).write_bytes((run_dir / name).read_bytes())
    (again / "settings.json").write_text(json.dumps(settings))
    (again / "logs").mkdir()
    with ResumedLine(again) as line:
        status, _ = line.finish()
        assert status == 0
        fresh = line.rows()
    seen = rows[rows["picture_crc32"].notna()]
    assert len(seen) > 40
    both = seen[BELT].merge(fresh[BELT], on="frame_id")
    assert list(both["scheduled_s_x"]) == list(both["scheduled_s_y"])
    assert list(both["picture_crc32_x"]) == list(both["picture_crc32_y"])


def test_a_clock_that_is_changed_loses_nothing_and_its_deadlines_hold(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--interval", 0.1, "--items", 120, "--workers", 1)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        with Control.of(line.run_dir) as control:
            at_s = control.order("clock", WHO, multiplier=4)["at_s"]
            status = _status(control, clock=4.0)
            assert status["deadline_ms"] == pytest.approx(187.5)
            line.kill("camera-0")
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    whole_ms = (rows["latency_ms"] + rows["slack_ms"]).dropna()
    before = rows["scheduled_s"] < at_s - 0.75
    after = rows["scheduled_s"] > at_s
    # On a busy machine none may have been in time for an answer.
    assert set(whole_ms[before].round(1)) <= {750.0}
    assert set(whole_ms[after].round(1)) <= {187.5}


def test_workers_come_and_go_under_load_and_nothing_is_lost(
    tmp_path: Path, slow_model: Path
) -> None:
    options = ("--model", slow_model, "--speed", "max", "--items", 100_000, "--workers", 1)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        with Control.of(line.run_dir) as control:
            assert control.order("workers", WHO, count=3) == {"workers": 3, "before": 1}
            poll(lambda: len(_working(line)) == 3, "three workers")
            line.wait_for_rows(line.rows_written() + 20)
            control.order("workers", WHO, count=1)
            poll(lambda: _working(line) == {"worker-0"}, "one worker")
            with pytest.raises(BadInput, match=r"0 needs transport\.listen"):
                control.order("workers", WHO, count=0)
            with pytest.raises(BadInput, match=r"refused|no matter at line\.speed = max"):
                control.order("belt_speed", WHO, m_per_s=2.0)
            control.order("pause", WHO)
            _status(control, paused=True, shown_phase="running, infeed paused")
            control.order("unpause", WHO)
            control.order("drain", WHO)
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert set(summary["restarts"].values()) == {0}
    assert summary["workers"] == 1
    assert len(rows["worker"].unique()) == 3
    assert set(rows["attempts"]) == {1}, "who left had finished what it held"


def _working(line: RunningLine) -> set[str]:
    return {p["name"] for p in line.processes() if p["role"] == "worker" and p["ready"]}


def test_a_threshold_holds_for_what_is_decided_after_it_also_by_another_dispatcher(
    tmp_path: Path, slow_model: Path
) -> None:
    options = ("--model", slow_model, "--speed", "max", "--items", 150, "--threshold", 0)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(10)
        with Control.of(line.run_dir) as control:
            assert control.order("threshold", WHO, value=1) == {"threshold": 1.0}
            line.wait_for_rows(line.rows_written() + 10)
            killed = control.order("kill", WHO, process="dispatcher")["pid"]
            poll(lambda: line.pid("dispatcher") not in (None, killed), "another dispatcher")
            with pytest.raises(BadInput, match="there is no 'supervisor' now; there are "):
                control.order("kill", WHO, process="supervisor")
            assert _status(control, threshold=1.0)["restarts"] == {"dispatcher": 1}
        status, summary = line.finish()
        rows = line.rows().sort_values("seq")
    assert status == 0
    assert_accounted(summary, rows)
    is_low = rows["verdict"] == "low_confidence"
    assert not is_low.iloc[:5].any()
    first = int(is_low.argmax())
    assert is_low.iloc[first + 10 :].all(), "answers come in nearly the order of the items"
    assert is_low.sum() >= 60


# -- from the shell ---------------------------------------------------------------------------


def test_orders_from_the_shell_are_logged_done_or_refused(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = tmp_path / "run"

    def order(*arguments: str) -> tuple[int, str]:
        status = main(["order", str(run_dir), *arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    nobody = f"error: {run_dir}: no line is running there\n"
    assert order("pause") == (2, nobody)
    with RunningLine(run_dir, "--model", tiny_model, "--interval", 0.1) as line:
        line.wait_for_rows(3)
        assert order("threshold", "value=0.4") == (0, "threshold: done (threshold 0.4)\n")
        assert order("threshold", "value") == (
            *(2, "error: value: expected key=value, as in m_per_s=1.5\n"),
        )
        assert order("threshold", "value=7")[0] == 2
        assert order("drain") == (0, "drain: done\n")
        status, summary = line.finish()
    assert (status, summary["ended"], summary["orders"]) == (0, "drained", 2)
    assert order("pause") == (2, nobody)
    log = [json.loads(text) for text in (run_dir / "orders.jsonl").read_text().splitlines()]
    assert [(entry["action"], entry["done"]) for entry in log] == [
        ("threshold", True),
        ("threshold", False),
        ("drain", True),
    ]
    assert log[1]["reason"].startswith("threshold.value: ")
    assert log[0]["facts"] == {"value": 0.4}
    assert log[0]["belt_s"] > 0
    assert log[0]["who"]
