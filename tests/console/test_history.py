"""What an operator's figures over the last minutes are made of, without a browser."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from console.line_page.elapsed import clock, remaining
from console.line_page.history import KEPT_S, History, counted
from console.line_page.trend import sparkline, tonnes, top_of
from console.live import LiveLine
from console.run_facts import RunFacts
from line.belt_changes import BeltSpeedChanged, Paused, Unpaused, paused_s
from line.config import load
from line.model.facts import ModelFacts
from tests.tiny_model import CLASSES

SETTINGS = load(environment={})
_MODEL = ModelFacts(path="tiny.onnx", sha256="0" * 64, classes=CLASSES)


def status(rows: int, late: int = 0, belt_s: float = 0.0, **facts: Any) -> dict[str, Any]:
    """So many rows, half of them glass; of the others nobody knows the class."""
    return {
        "verdicts": {"sorted": rows - late, "late": late},
        "bins": {"glass": {"fed": rows // 2}},
        "belt_s": belt_s,
        "fed": rows,
        "logged": rows,
        "phase": "running",
        **facts,
    }


def test_an_items_mass_is_that_of_its_class() -> None:
    mark = counted(5.0, status(10, late=2, belt_s=36.0), SETTINGS)
    assert (mark.rows, mark.in_time) == (10, 8)
    assert mark.mass_g == 5 * 210 + 5 * 50  # as config.toml has them
    assert mark.t_per_h == pytest.approx(0.0013 * 3600 / 36)
    assert mark.in_time_share == 0.8


def test_the_last_minute_forgets_what_was_before_it() -> None:
    history = History()
    for second in range(121):
        late = min(second, 60)  # everything in the first minute
        history.add(1000.0 + second, status(2 * second, late, belt_s=second / 2), SETTINGS)
    lately = history.last(60.0)
    assert lately is not None
    assert (lately.rows, lately.in_time, lately.belt_s) == (120, 120, 30.0)
    assert lately.in_time_share == 1.0


def test_statuses_that_come_often_cost_a_mark_a_second_and_ten_minutes_are_kept() -> None:
    history = History()
    for tick in range(4 * 900):
        history.add(tick / 4, status(tick), SETTINGS)
    steps = history.steps(10.0)
    assert 58 <= len(steps) <= 60
    assert {abs(step.rows - 40) <= 4 for step in steps} == {True}  # a second more or less
    assert all(a.wall_s + b.wall_s > 18 for a, b in pairwise(steps))
    longest = history.last(10 * KEPT_S)
    assert longest is not None
    assert KEPT_S <= longest.wall_s <= KEPT_S + 2


def test_a_line_that_counts_anew_begins_a_new_history() -> None:
    history = History()
    for second, rows in enumerate((50, 60, 3, 5)):
        history.add(float(second), status(rows), SETTINGS)
    lately = history.last(60.0)
    assert lately is not None
    assert lately.rows == 2


def test_nothing_is_said_before_anything_is_known() -> None:
    history = History()
    assert (history.last(60.0), history.steps(10.0)) == (None, [])
    history.add(1.0, status(0), SETTINGS)
    assert (history.last(60.0), history.steps(10.0)) == (None, [])
    mark = counted(1.0, status(0), SETTINGS)
    assert (mark.in_time_share, mark.t_per_h) == (None, None)


def test_a_trend_breaks_where_there_is_nothing_and_shows_its_scale() -> None:
    chart = sparkline([100.0, None, 50.0, 0.0], 100.0)
    line = chart.split('class="trend-line" d="')[1].split('"')[0]
    assert line.count("M") == 2
    assert line.count("L") == 1
    assert ">50<" in chart
    assert "−10 min" in chart
    assert (top_of([0.13, None]), top_of([2.1]), top_of([])) == (0.2, 5, 0.001)
    assert (tonnes(None), tonnes(2.128), tonnes(1234.0)) == ("–", "2.13", "1,234")


@pytest.fixture
def live(tmp_path) -> LiveLine:
    now = [100.0]
    line = LiveLine(lambda: now[0])
    settings = SETTINGS.replaced({"line": {**SETTINGS.line.model_dump(), "duration_s": 100.0}})
    line.show_run(RunFacts(tmp_path, settings, _MODEL))
    line.reached()
    return line


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"feeding_s": 40.0, "clock": 1.0}, "about 1:00 left"),
        ({"feeding_s": 40.0, "clock": 0.5}, "about 2:00 left"),
        ({"feeding_s": 120.0, "clock": 1.0}, "about 0:00 left"),
        ({"feeding_s": 40.0, "clock": 1.0, "paused": True}, "infeed paused"),
        ({"phase": "draining"}, "draining"),
    ],
)
def test_what_is_left_is_told_by_the_walls_clock(
    live: LiveLine, facts: dict[str, Any], words: str
) -> None:
    live.hear_status(status(10, **facts))
    assert remaining(live) == words


def test_a_run_without_an_end_says_so(live: LiveLine) -> None:
    assert live.run is not None
    live.show_run(RunFacts(live.run.run_dir, SETTINGS, live.run.model))
    live.reached()
    live.hear_status(status(10, clock=1.0))
    assert remaining(live) == "no end is set"
    assert (clock(59.9), clock(3600.0), clock(3725.0)) == ("0:59", "1:00:00", "1:02:05")


def test_pauses_of_the_infeed_are_no_time_of_its_feed() -> None:
    changes = [
        Paused(at_s=10),
        Paused(at_s=12),
        BeltSpeedChanged(at_s=13, m_per_s=2),
        Unpaused(at_s=15),
        Unpaused(at_s=16),
        Paused(at_s=30),
        Unpaused(at_s=50),
    ]
    assert paused_s(changes, 5) == 0
    assert paused_s(changes, 11) == 1
    assert paused_s(changes, 20) == 5
    assert paused_s(changes, 40) == 15
    assert paused_s(changes, 60) == 25
