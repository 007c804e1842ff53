from __future__ import annotations

import io
from time import monotonic
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from line.belt_changes import BeltSpeedChanged
from line.config import load
from line.observe.live_picture import picture
from line.observe.status import ProcessState, Status
from line.observe.view import LiveView, PlainView, QuietView, Rate, SafeView
from line.outcome import Verdict

WIDTHS = (40, 80, 100, 200)


def status(**options: Any) -> Status:
    """A line in the middle of a run; `section__key=value` over the shipped settings."""
    named = [(key.replace("__", "."), value) for key, value in options.items()]
    shown = Status(load(environment={}, options=named), phase="running")
    shown.belt_started = monotonic() - 12
    shown.take("camera-0", belt(fed=1200, on_belt=14))
    shown.take(
        "csv_log",
        {
            "kind": "stats",
            "logged": 1180,
            "classified": 1150,
            "verdicts": {"sorted": 1000, "residue_ok": 100, "late": 50, "dropped": 30},
            "accuracy": 0.957,
            "latency_ms": {"p50": 21.26, "p95": 130.4, "p99": 200.0},
            "workers": {"worker-0": 600, "press": 40},
        },
    )
    shown.take(
        "alerts", {"kind": "alerts", "count": 12, "fresh": [["info", "first"], ["alarm", "second"]]}
    )
    shown.take("active_learning", {"kind": "review", "queued": 17})
    shown.take("dispatcher", {"kind": "flow", "waiting": 3, "loads": {"worker-0#1": [2, 600]}})
    shown.processes = [
        ProcessState("dispatcher", "dispatcher", 101, 1, "ready"),
        ProcessState("worker-0", "worker", 102, 1, "ready"),
        ProcessState("worker-1", "worker", 103, 3, "ready"),
        ProcessState("csv_log", "sink", 0, 2, "restarting"),
    ]
    return shown


def belt(fed: int, on_belt: int, belt_s: float = 12.0, fed_s: tuple[float, ...] = ()) -> Any:
    """What a camera tells of its belt; items ride since `fed_s`, else since a while ago."""
    since = fed_s or tuple(belt_s - 0.1 * n for n in range(on_belt))
    jitter = {"p50": 0.1, "p95": 0.2, "p99": 0.4, "max": 0.9, "count": fed}
    return {
        "kind": "belt",
        "fed": fed,
        "belt_s": belt_s,
        "on_belt": on_belt,
        "riding_since": list(since),
        "window": 2,
        "jitter_ms": jitter,
    }


def rendered(shown: Status, width: int = 100, items_per_s: float = 24.34) -> list[str]:
    """The lines of the picture, without its frame."""
    console = Console(file=io.StringIO(), width=width, legacy_windows=False)
    console.print(picture(shown, items_per_s, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def line_with(lines: list[str], word: str) -> str:
    (found,) = [line for line in lines if word in line]
    return found


# -- the picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_the_picture_fits_the_terminal(width):
    (widest,) = {cell_len(line) for line in rendered(status(), width)}

    assert widest <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_there_is_to_know_is_in_the_picture_at_any_width(width):
    shown = " ".join(" ".join(rendered(status(title="holiday rush"), width)).split())

    for fact in (
        "Scrapline · holiday rush",
        "running · 12 s · clock ×1",
        "fed 1200",
        "logged 1180",
        "24.3 items/s",
        "latency p50 21.3 ms",
        "latency p95 130 ms",
        "deadline 750 ms",
        "accuracy 95.7 %",
        "waiting 3",
        "for review 17",
        "alarms 0 · events 12",
    ):
        assert fact in shown


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("riding", [0, 7, 140])
def test_the_belt_is_one_line_from_the_infeed_to_the_number_of_items_on_it(width, riding):
    shown = status()
    shown.take("camera-0", belt(fed=1200, on_belt=riding))

    line = line_with(rendered(shown, width), "infeed")

    assert line.count("◉") == line.count("▼") == 1
    assert line.index("◉") < line.index("▼")
    assert f" {riding} riding" in line


def test_items_are_on_the_belt_when_something_rides_on_it():
    shown = status()
    assert "■" in line_with(rendered(shown), "infeed")

    shown.take("camera-0", belt(fed=1200, on_belt=0))

    assert "■" not in line_with(rendered(shown), "infeed")


def places(shown: Status, width: int = 100) -> list[float]:
    """Where items are drawn, as shares of the belt."""
    line = line_with(rendered(shown, width), "infeed")
    cells = line[line.index("infeed ") + 7 : line.index(" end ")]
    return [place / len(cells) for place, cell in enumerate(cells) if cell == "■"]


def test_items_are_drawn_where_they_are():
    shown = status(
        belt__infeed_to_camera_m=1.0, belt__camera_to_ejector_m=2.0, belt__ejector_to_end_m=1.0
    )
    pace = shown.settings.belt.speed_m_per_s
    shares = (0.1, 0.4, 0.45, 0.9)
    fed_s = tuple(12.0 - 4.0 * share / pace for share in shares)
    shown.take("camera-0", belt(fed=20, on_belt=4, fed_s=fed_s))
    assert places(shown) == pytest.approx(shares, abs=0.02)
    shown.take("camera-0", belt(fed=20, on_belt=4, belt_s=12.0 + 0.2 / pace, fed_s=fed_s))
    assert places(shown) == pytest.approx([share + 0.05 for share in shares], abs=0.02)


def test_items_are_drawn_where_a_belt_that_changed_its_speed_has_brought_them():
    shown = status(
        belt__infeed_to_camera_m=1.0,
        belt__camera_to_ejector_m=8.0,
        belt__ejector_to_end_m=1.0,
        belt__speed_m_per_s=1.0,
    )
    shown.overrides.changes.append(BeltSpeedChanged(at_s=10.0, m_per_s=3.0))
    shown.take("camera-0", belt(fed=20, on_belt=1, fed_s=(9.0,)))
    assert places(shown) == pytest.approx([0.7], abs=0.02)


def test_every_lane_has_its_belt_as_far_as_there_is_room():
    shown = status()
    for lane in range(11):
        shown.take(f"camera-{lane}", belt(fed=20, on_belt=lane))
    lines = rendered(shown)
    riding = [line.split(" end ")[1].split()[0] for line in lines if "infeed" in line]
    assert riding == ["0", "1", "2", "3"]
    assert line_with(lines, "and 7 lanes more")


@pytest.mark.parametrize(
    "lengths",
    [
        {"belt__infeed_to_camera_m": 0.0},
        {"belt__ejector_to_end_m": 0.0},
        {"belt__infeed_to_camera_m": 0.0, "belt__ejector_to_end_m": 0.0},
        {"belt__infeed_to_camera_m": 50.0, "belt__camera_to_ejector_m": 0.2},
    ],
    ids=["camera at the infeed", "ejector at the end", "both", "camera beside the ejector"],
)
def test_photo_eye_and_ejector_are_drawn_wherever_they_stand(lengths):
    line = line_with(rendered(status(**lengths)), "infeed")

    assert line.count("◉") == line.count("▼") == 1
    assert line.index("◉") < line.index("▼")


def test_every_verdict_has_its_count():
    lines = rendered(status())
    counts = {"sorted": 1000, "residue_ok": 100, "late": 50, "dropped": 30}

    for verdict in Verdict:
        cells = line_with(lines, f" {verdict.value} ").split()
        assert cells[cells.index(verdict.value) + 1] == str(counts.get(verdict.value, 0))


def test_workers_are_always_listed_and_others_when_something_is_wrong_with_them():
    lines = rendered(status())

    assert line_with(lines, "worker-0").split()[1:-1] == [
        *("worker-0", "ready", "102", "2", "600", "0"),
    ]
    assert line_with(lines, "worker-1").split()[1:-1] == ["worker-1", "ready", "103", "0", "2"]
    assert line_with(lines, "csv_log").split()[1:-1] == ["csv_log", "restarting", "1"]
    assert not [line for line in lines if "dispatcher" in line]


def test_workers_on_other_machines_are_listed_by_their_names():
    shown = status()
    loads = {"worker-0#1": [2, 600], "press#254380": [1, 40]}
    shown.take("dispatcher", {"kind": "flow", "waiting": 3, "loads": loads})

    lines = rendered(shown)

    assert line_with(lines, "press").split()[1:-1] == ["press#254380", "remote", "1", "40"]


def test_a_line_without_workers_says_what_it_waits_for():
    listen = {"listen": "tcp://*:5555", "keys": "keys"}
    shown = status(line__workers=0, transport=listen)
    shown.phase = "starting"
    shown.take("dispatcher", {"kind": "flow", "waiting": 0, "loads": {}})
    assert any("waiting for a worker at tcp://*:5555" in line for line in rendered(shown))
    shown.take("dispatcher", {"kind": "flow", "waiting": 0, "loads": {"press#1": [0, 0]}})
    assert any("starting" in line for line in rendered(shown))


def test_the_last_alerts_are_shown_and_those_about_the_line_are_not_crowded_out_by_items():
    shown = status()
    fresh = [[level, f"{level} {n}"] for n in range(4) for level in ("alarm", "warning", "info")]
    shown.take("alerts", {"kind": "alerts", "count": 12, "fresh": fresh})

    lines = rendered(shown)

    wanted = ["alarm 3", "warning 3", "info 1", "info 2", "info 3"]
    assert [line.strip("│ ") for line in lines[-len(wanted) - 1 : -1]] == wanted


def test_an_alarm_that_stands_is_shown_once_in_its_words_of_now():
    shown = status()
    stands = {"id": "a", "kind": "worker_down", "text": "worker-0 is down for 12 s"}
    fresh = [["alarm", "worker-0 is down for 10 s"], ["alarm", stands["text"]]]
    note = {"kind": "alerts", "count": 3, "fresh": fresh, "standing": [stands]}
    shown.take("alerts", note)
    lines = rendered(shown)
    assert line_with(lines, "alarms 1 ")
    assert line_with(lines, stands["text"])


def test_a_long_alert_does_not_burst_the_frame():
    shown = status()
    shown.take("alerts", {"kind": "alerts", "count": 1, "fresh": [["info", "word " * 60]]})

    assert len({cell_len(line) for line in rendered(shown, 80)}) == 1


def test_the_max_clock_has_no_deadline():
    lines = rendered(status(line__speed="max"))

    assert "as fast as possible" in line_with(lines, "Ctrl-C")
    assert "–" in line_with(lines, "deadline")


def test_the_deadline_is_of_the_wall_clock():
    assert "375 ms" in line_with(rendered(status(line__speed=2.0)), "deadline")


def test_one_wrong_item_among_thousands_is_not_rounded_away():
    shown = status()
    shown.stats["accuracy"] = 0.9999

    assert ">99.9 %" in line_with(rendered(shown), "accuracy")


def test_a_line_that_has_only_just_begun_can_be_shown():
    fresh = Status(load(environment={}))

    lines = rendered(fresh, 80)

    assert "starting · 0 s" in lines[-1]
    assert "–" in line_with(lines, "accuracy")
    assert line_with(lines, "alarms 0 · events 0")


def test_before_the_belt_starts_no_time_has_passed():
    """The start is set a moment ahead, so that every lane hears of it in time."""
    shown = status()
    shown.belt_started = monotonic() + 0.3

    assert "running · 0 s" in rendered(shown)[-1]


@pytest.mark.parametrize("text", ["[/] sale", "50 [red] bins", "a[/b]"])
def test_titles_and_alerts_are_shown_as_they_are_whatever_their_brackets_mean(text):
    shown = status(title=text)
    shown.take("alerts", {"kind": "alerts", "count": 1, "fresh": [["info", f"item {text}"]]})

    lines = rendered(shown)

    assert f"Scrapline · {text}" in lines[0]
    assert line_with(lines, f"item {text}")


# -- the rate ------------------------------------------------------------------------------------


class Watch:
    """The monotonic clock, as far as the view is concerned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("line.observe.view.monotonic", watch)
    return watch


def rates(watch: Watch, totals: list[int], step_s: float) -> list[float]:
    """What a rate says of totals that it is told `step_s` apart."""
    rate = Rate(span_s=3.0)
    told = []
    for total in totals:
        told.append(rate.update(total))
        watch.now += step_s
    return told


def test_a_rate_is_items_a_second_once_there_is_enough_to_go_by(watch):
    assert rates(watch, [100, 110, 120, 130, 140], step_s=0.25) == [0, 0, 0, 40, 40]


def test_a_rate_is_of_the_last_few_seconds(watch):
    assert rates(watch, [*range(0, 500, 100), *[400] * 5], step_s=1.0)[-5:] == [50, 0, 0, 0, 0]


def test_a_rate_after_a_long_silence_begins_anew(watch):
    assert rates(watch, [0, 10, 20], step_s=60.0) == [0, 0, 0]


def test_a_total_that_begins_anew_is_no_negative_rate(watch):
    assert rates(watch, [1000, 5, 5, 5], step_s=1.0) == [0, 0, 0, 0]


# -- views ---------------------------------------------------------------------------------------


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, legacy_windows=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_plain_view_is_one_line_for_logs(console):
    with PlainView(console) as view:
        view(status())

    assert printed(console) == (
        "running 12s | fed 1200 | logged 1180 | 0.0 items/s | p95 130 ms | "
        "sorted 1000 residue_ok 100 late 50 dropped 30\n"
    )


def test_an_item_with_a_row_was_fed_whatever_the_camera_said_last(console):
    shown = status()
    shown.take("camera-0", belt(fed=1100, on_belt=14))
    with PlainView(console) as view:
        view(shown)

    assert "| fed 1180 | logged 1180 |" in printed(console)


def test_the_plain_view_prints_once_a_second_however_often_it_is_called(console, watch):
    shown = status()
    with PlainView(console) as view:
        for _ in range(21):
            view(shown)
            watch.now += 0.125

    assert printed(console).count("\n") == 3


def test_the_plain_view_of_a_line_without_items_has_no_empty_parts(console):
    with PlainView(console) as view:
        view(Status(load(environment={})))

    assert printed(console) == "starting 0s | fed 0 | logged 0 | 0.0 items/s | p95 –\n"


def test_the_quiet_view_says_nothing(capsys):
    with QuietView() as view:
        view(status())

    assert capsys.readouterr() == ("", "")


def test_the_live_view_draws_the_picture_and_clears_it_at_the_end():
    console = Console(
        file=io.StringIO(), width=80, height=50, force_terminal=True, legacy_windows=False
    )
    with LiveView(console) as view:
        view(status())
        drawn = printed(console)
        view(status())
        assert printed(console) == drawn, "not more often than the eye can follow"

    assert "Scrapline" in drawn
    # Erase line, once for each line drawn.
    assert printed(console).count("\x1b[2K") >= drawn.count("\n")


class FailingView(QuietView):
    """Fails whenever it is called."""

    called = 0

    def __call__(self, status: Status) -> None:
        self.called += 1
        raise KeyError("no such style")


def test_a_view_that_fails_is_told_of_once_and_left_alone():
    told: list[str] = []
    failing = FailingView()
    with SafeView(failing, told.append) as view:
        for _ in range(3):
            view(status())

    assert failing.called == 1
    assert told == ["the view failed (KeyError: 'no such style')"]


def test_a_view_waits_until_what_it_showed_was_taken(watch):
    class Slow(io.StringIO):
        is_behind = True

    slow = Slow()
    console = Console(file=slow, width=80, legacy_windows=False)
    with PlainView(console) as view:
        view(status())
        assert slow.getvalue() == ""
        slow.is_behind = False
        view(status())

    assert slow.getvalue().count("\n") == 1


def test_escape_codes_in_titles_and_alerts_are_shown_as_such():
    shown = status(title="a\x1b[2Jb")
    shown.take("alerts", {"kind": "alerts", "count": 1, "fresh": [["info", "x\x1b[31m\ny"]]})

    lines = rendered(shown)

    assert r"Scrapline · a\x1b[2Jb" in lines[0]
    assert line_with(lines, r"x\x1b[31m y")


# -- the end of the belt ------------------------------------------------------------------------


def test_the_belt_ended_when_the_last_lane_said_so_however_late_that_was_heard() -> None:
    shown = status()
    assert shown.belt_started is not None
    for lane, after_s in (("camera-0", 5.0), ("camera-1", 4.0)):
        finished = {**belt(9, 0), "kind": "finished", "at": shown.belt_started + after_s}
        shown.take(lane, finished)
    shown.end_belt()
    assert shown.wall_s == 5.0


def test_the_belt_of_a_lane_that_could_not_say_so_ends_now() -> None:
    shown = status()
    assert shown.belt_started is not None
    shown.take("camera-1", {**belt(9, 0), "kind": "finished", "at": shown.belt_started + 4.0})
    shown.end_belt()
    assert shown.wall_s >= 12
