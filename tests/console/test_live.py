"""The line as the console shows it, without a browser: states, rates, news of the belt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.line_page.belt import BinFigures
from console.line_page.belt_feed import KEPT, MOST_AT_ONCE, BeltFeed
from console.line_page.belt_view import standstill
from console.line_page.latency import histogram
from console.live import SILENT_S, LiveLine, Series
from console.run_end import RunEnd
from console.run_facts import RunFacts
from console.verdict_marks import MARKS, mark_svg
from line.config import load
from line.dispatch.feed import Decided, Seen, Thumbnail
from line.model.facts import ModelFacts
from line.outcome import Outcome, Verdict
from reports.wording import percent
from tests.tiny_model import CLASSES


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path: Path) -> RunFacts:
    settings = load(environment={})
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    model = ModelFacts(path="tiny.onnx", sha256="0" * 64, classes=CLASSES)
    (tmp_path / "model.json").write_text(model.model_dump_json())
    return RunFacts.load(tmp_path)


@pytest.fixture
def live(clock: Clock, run: RunFacts) -> LiveLine:
    line = LiveLine(clock)
    line.show_run(run)
    return line


def status(**facts: Any) -> dict[str, Any]:
    return {
        "phase": "running",
        "shown_phase": "running",
        "belt_s": 0.0,
        "verdicts": {},
        "processes": [],
        "belt_speed_m_per_s": 1.0,
        "clock": 1.0,
        **facts,
    }


def seen(seq: int, picture: bool = False) -> Seen:
    small = Thumbnail(2, 3, bytes(18)) if picture else None
    return Seen(0, seq, 1.0, 90.0, 90.75, "glass", 50.0, small)


def decided(seq: int, verdict: Verdict, latency_ms: float | None = 12.0) -> Decided:
    return Decided(
        Outcome(
            camera=0,
            seq=seq,
            scheduled_s=1.0,
            true_class="glass",
            predicted_class="glass",
            verdict=verdict,
            latency_ms=latency_ms,
            mass_g=50.0,
        )
    )


# -- the state of things --------------------------------------------------------------------------


def test_it_goes_from_no_run_to_running_to_over(clock: Clock, run: RunFacts) -> None:
    line = LiveLine(clock)
    assert (line.state, line.headline().words) == ("empty", "no run yet")
    line.show_run(run)
    assert line.state == "over"
    line.reached()
    assert line.state == "reaching"
    line.hear_status(status())
    assert (line.state, line.headline().kind) == ("running", "good")
    line.left(RunEnd("finished", has_report=True, is_accounted=True))
    assert line.state == "over"
    assert (line.headline().words, line.headline().kind) == ("unnamed: finished", "good")
    line.left(RunEnd("cut off", has_report=False, is_accounted=True))
    assert (line.headline().words, line.headline().kind) == ("unnamed: cut off", "off")
    assert "cut off" in standstill(line)


def test_a_silent_line_is_told_of_within_two_seconds_and_recovers(
    live: LiveLine, clock: Clock
) -> None:
    assert SILENT_S < 2
    live.reached()
    live.hear_status(status())
    clock.now += SILENT_S + 0.1
    assert live.state == "silent"
    assert live.wall_speed_m_per_s == 0
    assert "silent" in standstill(live)
    live.hear_status(status())
    assert live.state == "running"
    assert standstill(live) == ""


def test_a_line_that_decides_nothing_says_so_within_two_seconds_and_recovers(
    live: LiveLine, clock: Clock
) -> None:
    live.reached()
    live.hear_status(status(fed=5, verdicts={"sorted": 5}, deadline_ms=750.0))
    for _ in range(20):  # nothing was on its way all that time
        clock.now += 0.25
        live.hear_status(status(fed=5, verdicts={"sorted": 5}, deadline_ms=750.0))
    assert standstill(live) == ""
    told = []
    for _ in range(7):
        clock.now += 0.25
        live.hear_status(status(fed=6, verdicts={"sorted": 5}, deadline_ms=750.0))
        told.append(standstill(live))
    assert told[:6] == [""] * 6
    assert "Nothing has been decided for 2 s" in told[6]
    assert "nothing decided" in live.headline().words
    live.hear_status(status(fed=7, verdicts={"sorted": 5, "expired": 1}, deadline_ms=750.0))
    assert standstill(live) == ""


def test_a_slow_belt_has_the_time_of_its_deadline(live: LiveLine, clock: Clock) -> None:
    live.reached()
    live.hear_status(status(fed=1, deadline_ms=4000.0))
    clock.now += 1.0
    live.hear_status(status(fed=1, verdicts={"sorted": 1}, deadline_ms=4000.0))
    for _ in range(16):
        clock.now += 0.25
        live.hear_status(status(fed=2, verdicts={"sorted": 1}, deadline_ms=4000.0))
        assert live.stalled_s == 0


def test_a_run_of_another_folder_begins_anew(live: LiveLine, run: RunFacts) -> None:
    live.reached()
    live.hear_status(status())
    live.show_run(run)
    assert live.status == {}
    assert live.news_since(0)[1] == []


def test_the_belt_moves_by_speed_and_clock(live: LiveLine, clock: Clock) -> None:
    live.reached()
    live.hear_status(status(belt_speed_m_per_s=1.5, clock=4.0))
    assert live.wall_speed_m_per_s == pytest.approx(6.0)
    live.hear_status(status(clock="max", belt_s=0.0))
    clock.now += 1.0
    live.hear_status(status(clock="max", belt_s=20.0))
    assert live.wall_speed_m_per_s == pytest.approx(20.0)
    live.hear_status(status(phase="stopping"))
    assert live.wall_speed_m_per_s == 0


def test_a_paused_infeed_is_in_the_headline(live: LiveLine) -> None:
    live.reached()
    live.hear_status(status(paused=True))
    assert "infeed paused" in live.headline().words


# -- figures --------------------------------------------------------------------------------------


def test_the_rate_is_of_the_last_seconds_and_survives_a_count_that_begins_anew(
    live: LiveLine, clock: Clock
) -> None:
    live.reached()
    for second in range(6):
        live.hear_status(status(verdicts={"sorted": 8 * second}))
        clock.now += 1
    clock.now -= 1
    assert live.items_per_s == pytest.approx(8)
    live.hear_status(status(verdicts={"sorted": 0}))
    assert live.items_per_s == 0


def test_a_worker_that_begins_anew_leaves_the_rate_alone(live: LiveLine, clock: Clock) -> None:
    live.reached()
    for second, answered in enumerate((7, 8, 0)):
        clock.now += 1
        worker = {"name": "worker-0", "answered": answered}
        live.hear_status(status(verdicts={"sorted": 8 * second}, processes=[worker]))
    assert live.items_per_s == pytest.approx(8)


def test_a_series_forgets_what_is_older_than_its_span() -> None:
    series = Series(2.0)
    for second, count in enumerate((0, 100, 101, 102, 103)):
        series.add(float(second), [float(count)])
    assert series.growth() == [2.0]


def test_the_histogram_counts_the_last_half_minute(live: LiveLine, clock: Clock) -> None:
    live.reached()
    bounds = [0.01, 0.02]
    live.hear_status(status(latency_s={"bounds": bounds, "counts": [5, 5, 0]}))
    clock.now += 1
    live.hear_status(status(latency_s={"bounds": bounds, "counts": [5, 15, 2]}))
    assert live.latency_growth() == [(0.01, 0), (0.02, 10), (float("inf"), 2)]


def test_the_chart_marks_what_came_after_the_deadline() -> None:
    chart = histogram([(0.5, 3.0), (0.75, 1.0), (1.5, 2.0), (float("inf"), 0.0)], 0.75)
    assert chart.count('class="in-time"') == 2
    assert chart.count('class="late"') == 2
    assert "deadline 750 ms" in chart
    assert "No item" in histogram([], 0.75)


def test_a_deadline_within_a_bucket_stands_where_it_lies() -> None:
    growth = [(0.2, 3.0), (0.4, 1.0), (0.8, 2.0), (float("inf"), 1.0)]
    chart = histogram(growth, 0.3)
    assert chart.count('class="late"') == 2  # of the bucket around it nobody can say
    assert 'class="deadline" x1="150.0"' in chart
    assert 'class="deadline" x1="350.0"' in histogram(growth, 2.0)


def test_purity_and_recovery_by_their_formulas() -> None:
    bins = {
        "glass": {"fed": 10, "ejected": 9, "right": 8},
        "paper": {"fed": 4, "ejected": 0, "right": 0},
    }
    assert BinFigures.of({"bins": bins}, "glass") == BinFigures(9, 8 / 9, 0.8)
    assert BinFigures.of({"bins": bins}, "paper") == BinFigures(0, None, 0.0)
    assert BinFigures.of({"bins": {"glass": {"ejected": 3}}}, "glass") == BinFigures(3, None, None)
    assert percent(None) == "–"
    assert percent(8 / 9) == "88.9 %"
    assert [percent(share) for share in (1.0, 4999 / 5000, 1 / 5000, 0.0)] == [
        "100.0 %",
        ">99.9 %",
        "<0.1 %",
        "0.0 %",
    ]


def test_the_deadline_is_a_place_before_the_ejectors(run: RunFacts) -> None:
    belt = run.settings.belt
    ahead = run.ejector_m - run.deadline_m(2.0)
    assert ahead == pytest.approx(2.0 * belt.actuator_ms / 1000)
    assert run.deadline_m(1000.0) == run.camera_m


# -- news of the belt -----------------------------------------------------------------------------


def test_an_item_is_told_of_with_its_picture_and_then_its_verdict() -> None:
    feed = BeltFeed()
    feed.take(seen(3, picture=True), 91.0)
    feed.take(decided(3, Verdict.SORTED), 91.0)
    number, (first, second) = feed.since(0)
    assert number == 2
    assert first["key"] == second["key"] == "0-3"
    assert first["seen"] == 90.0
    assert first["image"].startswith("data:image/jpeg;base64,")
    assert (second["verdict"], second["bin"]) == ("sorted", "glass")
    assert second["latency"] == pytest.approx(0.012)
    assert feed.since(number) == (2, [])


def test_what_is_not_ejected_has_no_bin_and_what_was_dropped_is_placed_now() -> None:
    feed = BeltFeed()
    feed.take(decided(1, Verdict.LATE), 91.0)
    feed.take(decided(2, Verdict.DROPPED, None), 91.0)
    late, dropped = feed.since(0)[1]
    assert late["bin"] is None
    assert "seen" not in late
    assert dropped["seen"] == 91.0


def test_news_are_bounded_and_a_page_that_is_behind_skips_the_oldest() -> None:
    feed = BeltFeed()
    for seq in range(2 * KEPT):
        feed.take(seen(seq), 91.0)
    number, news = feed.since(0)
    assert number == 2 * KEPT
    assert len(news) == MOST_AT_ONCE
    assert news[-1]["key"] == f"0-{2 * KEPT - 1}"


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert {mark.verdict for mark in MARKS} == set(Verdict)
    assert len({(mark.shape, mark.letter) for mark in MARKS}) == len(MARKS)
    assert len({mark.letter for mark in MARKS}) == len(MARKS)
    assert all(f">{mark.letter}</text>" in mark_svg(mark) for mark in MARKS)
