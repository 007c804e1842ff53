from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from line.errors import BadInput
from line.outcome import UNLIKE, Outcome, Verdict
from line.settings import AlertSettings
from sinks.alarm_kinds import ALARM_KINDS
from sinks.alert_rates import ItemWindow, RateLimit
from sinks.alerts import Alerts
from sinks.follower import LineEvent
from sinks.standing_alarms import Delay
from tests.running_line import ROOT
from tests.sinks.test_csv_log import outcome

LIMITS = AlertSettings(
    window_items=10,
    not_in_time_rate=0.2,
    failed_rate=0.2,
    unsure_rate=0.5,
    clear_ratio=0.5,
    on_delay_s=10,
    off_delay_s=30,
    per_s_max=1000,
)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "alerts.jsonl"


class Clock:
    """Time as the test has it pass, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def raised(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def alarms(path: Path) -> list[str]:
    """Ids, in order: those raised, and those cleared with "off " before."""
    lines = raised(path)
    return [
        line["id"] if line["level"] == "alarm" else f"off {line['clears']}"
        for line in lines
        if line["level"] == "alarm" or "clears" in line
    ]


def opened(path: Path, state: dict[str, Any] | None = None, **options: Any) -> Alerts:
    """The sink as its process opens it, after one whose last checkpoint was `state`."""
    alerts = Alerts(path, options.pop("settings", LIMITS), **options)
    alerts.restore(state)
    return alerts


def store(alerts: Alerts, *rows: Outcome) -> None:
    assert alerts.take(rows) == len(rows)


def event(event_id: str, kind: str, text: str, process: str = "") -> LineEvent:
    return LineEvent(event_id, kind, text, "2026-01-02T03:04:05.678+00:00", process)


def unsure(seq: int) -> Outcome:
    return outcome(seq, low_confidence=True, verdict=Verdict.LOW_CONFIDENCE, confidence=0.31)


class Belt:
    """Items one a second, by the test's clock."""

    def __init__(self, alerts: Alerts, clock: Clock) -> None:
        self._alerts = alerts
        self._clock = clock
        self._seq = 0

    def run(self, *verdicts: Verdict, seconds: int, reason: str = "") -> None:
        """So many items, of these verdicts in turn."""
        for number in range(seconds):
            self._clock.now += 1
            verdict = verdicts[number % len(verdicts)]
            row = outcome(
                self._seq,
                verdict=verdict,
                reason=reason,
                low_confidence=verdict == "low_confidence",
            )
            store(self._alerts, row)
            self._seq += 1


# -- the rate ------------------------------------------------------------------------------------


def judged(limit: RateLimit, marks: str, items: int = 10) -> list[bool]:
    window = ItemWindow(items)
    found = []
    for mark in marks:
        window.add(mark)
        limit.judge(window)
        found.append(limit.is_over)
    return found


def test_a_rate_is_judged_by_full_windows_only():
    assert judged(RateLimit("d", "dropped", 0.2, 0.1), "d" * 10) == [False] * 9 + [True]


def test_a_rate_is_over_above_its_limit_and_not_at_it():
    assert judged(RateLimit("d", "dropped", 0.2, 0.1), "dd........") == [False] * 10


def test_a_rate_that_is_over_stays_so_between_its_two_limits():
    limit = RateLimit("dl", "not in time", 0.3, 0.1)

    found = judged(limit, "ddll......" + "." * 4)

    assert found[9:] == [True, True, True, False, False], "40, 30, 20, 10 and 0%"


def test_the_words_count_what_the_window_holds():
    window = ItemWindow(10)
    for mark in "ddd.l.....e":
        window.add(mark)
    assert window.words("del", "not in time") == (
        "4 of the last 10 items not in time: 2 dropped, 1 expired, 1 late"
    )
    assert window.words("f", "failed") == "0 of the last 10 items failed"


# -- delays --------------------------------------------------------------------------------------


def test_a_delay_follows_what_lasts_and_nothing_shorter():
    delay = Delay(on_s=10, off_s=30)
    seen = []
    for now in range(120):
        stands = now in range(5, 14) or now in range(20, 40) or now in range(60, 62)
        if delay.look(stands, float(now)):
            seen.append((now, delay.is_on))
    assert seen == [(30, True), (92, False)]


# -- the sink ------------------------------------------------------------------------------------


def test_an_unsure_item_is_an_event_with_an_id(path):
    with closing(opened(path)) as alerts:
        store(alerts, unsure(4), outcome(5))

    (alert,) = raised(path)
    assert alert["id"] == "low_confidence-0-4"
    assert (alert["kind"], alert["level"], alert["frame_id"]) == ("low_confidence", "event", "0-4")
    assert alert["text"] == "item 0-4: glass at only 0.31"


def test_an_item_that_is_left_as_strange_says_so(path):
    strange = outcome(4, low_confidence=True, verdict=Verdict.LOW_CONFIDENCE, reason=UNLIKE)
    with closing(opened(path)) as alerts:
        store(alerts, strange)

    (alert,) = raised(path)
    assert alert["kind"] == "low_confidence"
    assert alert["text"] == f"item 0-4: glass at 0.90, {UNLIKE}"


@pytest.mark.parametrize("verdict", [Verdict.DROPPED, Verdict.EXPIRED, Verdict.LATE])
def test_items_not_in_time_are_one_alarm_and_its_end_an_event(path, verdict):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        belt = Belt(alerts, clock)
        belt.run(Verdict.SORTED, verdict, seconds=25)
        belt.run(Verdict.SORTED, seconds=60)

    on, off = (line for line in raised(path) if line["kind"] == "not_in_time")
    assert (on["level"], on["priority"], on["id"]) == ("alarm", "high", "not_in_time-1")
    assert on["text"] == f"5 of the last 10 items not in time: 5 {verdict}"
    assert (off["level"], off["clears"]) == ("event", "not_in_time-1")
    assert off["text"].endswith(f"at worst 5 of the last 10 items not in time: 5 {verdict}")


def test_the_first_item_that_is_lost_is_an_event_at_once_and_the_others_are_counted(path):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        Belt(alerts, clock).run(Verdict.DROPPED, seconds=3, reason="overrun")
        assert [(line["kind"], line["level"], line["frame_id"]) for line in raised(path)] == [
            ("dropped", "event", "0-0")
        ]
        clock.now += 6
        alerts.turn()

    assert [line["text"] for line in raised(path)] == [
        "item 0-0 dropped: overrun",
        "3 items dropped within 2.0 s",
    ]


def test_what_is_lost_for_a_moment_is_no_alarm(path):
    """The window knows of it for longer than the delay."""
    clock = Clock()
    with closing(
        opened(path, clock=clock, settings=LIMITS.model_copy(update={"window_items": 60}))
    ) as alerts:
        belt = Belt(alerts, clock)
        belt.run(Verdict.SORTED, seconds=60)
        belt.run(Verdict.DROPPED, seconds=20)
        belt.run(Verdict.SORTED, seconds=100)

    assert alarms(path) == []


def test_an_alarm_that_stands_tells_the_rate_of_now_and_at_the_end(path):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        belt = Belt(alerts, clock)
        belt.run(Verdict.SORTED, Verdict.SORTED, Verdict.DROPPED, seconds=30)
        belt.run(Verdict.DROPPED, seconds=20)
        (stands,) = alerts.report()[1]["standing"]
        assert stands["text"] == "10 of the last 10 items not in time: 10 dropped"
        assert (stands["id"], stands["priority"]) == ("not_in_time-1", "high")
        assert alerts.report()[1]["raised"] == 1

    assert raised(path)[-1]["text"].startswith("stands at the end: 10 of the last 10")


@pytest.mark.parametrize(
    ("verdict", "kind", "seconds"),
    [(Verdict.FAILED, "failed_items", 25), (Verdict.LOW_CONFIDENCE, "unsure_items", 45)],
)
def test_failed_and_unsure_items_have_each_their_own_alarm(path, verdict, kind, seconds):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        Belt(alerts, clock).run(verdict, seconds=seconds)

    assert alarms(path) == [f"{kind}-1"]


def test_what_a_camera_that_was_down_has_lost_is_no_rate(path):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        Belt(alerts, clock).run(Verdict.DROPPED, seconds=60, reason="the camera was down")

    assert alarms(path) == []


def test_good_items_raise_nothing(path):
    with closing(opened(path)) as alerts:
        verdicts = [Verdict.SORTED, Verdict.RESIDUE_OK, Verdict.MISSORTED, Verdict.MISSED]
        store(alerts, *(outcome(seq, verdict=verdicts[seq % 4]) for seq in range(40)))

    assert raised(path) == []


# -- processes -----------------------------------------------------------------------------------


def wait(alerts: Alerts, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        alerts.turn()


@pytest.mark.parametrize(
    ("process", "begins", "ends", "kind", "patience_s"),
    [
        ("worker-0", "restart", "back", "worker_down", 10),
        ("far", "remote_lost", "remote_joined", "worker_down", 10),
        ("camera-1", "stopped", "continued", "stage_down", 10),
        ("dispatcher", "restart", "back", "stage_down", 10),
        ("csv_log", "disk_full", "storage_again", "log_waits", 10),
        ("active_learning", "storage", "storage_again", "follower_waits", 30),
        ("postgres", "storage", "storage_again", "follower_waits", 30),
        ("postgres", "behind", "caught_up", "follower_behind", 30),
        ("postgres", "given_up", "left", "follower_down", 30),
        ("console", "given_up", "left", "follower_down", 30),
    ],
)
def test_what_happens_to_a_process_is_an_alarm_once_it_outlasts_its_delay(
    path, process, begins, ends, kind, patience_s
):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        alerts.take_events([event("1", begins, "it happened", process)])
        assert [(line["kind"], line["level"]) for line in raised(path)] == [(begins, "event")]
        wait(alerts, clock, patience_s - 1)
        alerts.take_events([event("2", ends, "it is over", process)])
        wait(alerts, clock, 60)
        assert alarms(path) == []
        alerts.take_events([event("3", begins, "it happened", process)])
        wait(alerts, clock, patience_s)
        assert alarms(path) == [f"{kind}-{process}-1"]
        alerts.take_events([event("4", ends, "it is over", process)])
        wait(alerts, clock, 29)
        assert alarms(path) == [f"{kind}-{process}-1"]
        wait(alerts, clock, 1)
        assert alarms(path) == [f"{kind}-{process}-1", f"off {kind}-{process}-1"]


def test_one_cause_is_one_alarm(path):
    """No worker, so nothing is in time: that follows from it."""
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        belt = Belt(alerts, clock)
        belt.run(Verdict.SORTED, seconds=20)
        alerts.take_events([event("1", "given_up", "worker-0 was given up", "worker-0")])
        belt.run(Verdict.EXPIRED, seconds=60)
        assert alarms(path) == ["worker_down-worker-0-1"]
        alerts.take_events([event("2", "left", "not needed", "worker-0")])
        belt.run(Verdict.EXPIRED, seconds=60)

    first = "worker_down-worker-0-1"
    assert alarms(path) == [first, f"off {first}", "not_in_time-1"], "that has another cause"


def test_a_resumed_run_has_no_trouble_of_the_runner_before(path):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        alerts.take_events([event("1", "restart", "killed", "worker-0")])
        state = json.loads(json.dumps(alerts.state()))
    with closing(opened(path, state, clock=clock)) as alerts:
        alerts.take_events([event("2", "resumed", "a runner has taken up the run again")])
        wait(alerts, clock, 60)

    assert alarms(path) == []


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_an_alarm_that_stands_is_known_after_a_restart(path, has_checkpoint):
    clock = Clock()
    with closing(opened(path, clock=clock)) as alerts:
        alerts.take_events([event("1", "given_up", "it was given up", "worker-0")])
        before = json.loads(json.dumps(alerts.state()))
        wait(alerts, clock, 20)
        after = json.loads(json.dumps(alerts.state()))
        assert alarms(path) == ["worker_down-worker-0-1"]

    for state in (before, after) if has_checkpoint else (None,):
        with closing(opened(path, state, clock=clock)) as alerts:
            (stands,) = alerts.report()[1]["standing"]
            assert stands["id"] == "worker_down-worker-0-1"
            wait(alerts, clock, 20)
    assert alarms(path)[0] == "worker_down-worker-0-1"
    assert alarms(path).count("worker_down-worker-0-1") == 1


def test_the_table_of_the_documentation_has_every_alarm_with_its_priority():
    page = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    told = {row[0].strip("|` "): row[1] for row in rows if len(row) == 5}
    assert told == {kind.name: kind.priority for kind in ALARM_KINDS}
    assert all(cell.strip() for row in rows for cell in row)


# -- ids and the file ----------------------------------------------------------------------------


def test_an_event_is_an_alert_under_its_own_id_and_with_its_own_time(path):
    with closing(opened(path)) as alerts:
        alerts.take_events([event("worker-0#1-died", "restart", "worker-0 was killed")])

    (alert,) = raised(path)
    assert (alert["id"], alert["kind"]) == ("worker-0#1-died", "restart")
    assert alert["text"] == "worker-0 was killed"
    assert alert["at"] == "2026-01-02T03:04:05.678+00:00"
    assert alert["frame_id"] is None


def test_every_alert_has_an_id_of_its_own(path):
    with closing(opened(path)) as alerts:
        store(alerts, *(outcome(seq, verdict=Verdict.LATE) for seq in range(60)))
        store(alerts, *(unsure(seq) for seq in range(60, 80)))
        alerts.take_events([event("n-1", "restart", "worker-0 was killed")])

    ids = [alert["id"] for alert in raised(path)]
    assert len(ids) == len(set(ids)) > 20
    assert all(ids)


def test_a_repeated_item_or_event_is_not_raised_again(path):
    with closing(opened(path)) as alerts:
        for _ in range(2):
            store(alerts, unsure(1), unsure(1))
            alerts.take_events([event("n-1", "restart", "worker-0 was killed")])

    assert [alert["id"] for alert in raised(path)] == ["low_confidence-0-1", "n-1"]


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_a_repeat_is_recognised_after_a_restart(path, has_checkpoint):
    with closing(opened(path)) as alerts:
        store(alerts, unsure(0))
        state = alerts.state() if has_checkpoint else None
        store(alerts, unsure(1))
        alerts.take_events([event("n-1", "restart", "worker-0 was killed")])

    with closing(opened(path, state)) as alerts:
        store(alerts, unsure(1), unsure(2))
        alerts.take_events([event("n-1", "restart", "worker-0 was killed")])
        assert alerts.report()[1]["count"] == 4

    assert [alert["id"] for alert in raised(path)] == [
        "low_confidence-0-0",
        "low_confidence-0-1",
        "n-1",
        "low_confidence-0-2",
    ]


def test_a_rate_goes_on_after_a_restart(path):
    with closing(opened(path)) as alerts:
        store(alerts, *(outcome(seq, verdict=Verdict.LATE) for seq in range(9)))
        state = json.loads(json.dumps(alerts.state()))

    clock = Clock()
    with closing(opened(path, state, clock=clock)) as alerts:
        store(alerts, outcome(9, verdict=Verdict.LATE))
        clock.now += 9
        store(alerts, outcome(10, verdict=Verdict.LATE))
        clock.now += 1
        alerts.turn()
        assert alarms(path) == [], "nothing more was lost"
        store(alerts, outcome(11, verdict=Verdict.LATE))

    assert alarms(path) == ["not_in_time-1"]


def test_a_start_reads_only_what_was_raised_after_the_checkpoint(path):
    with closing(opened(path)) as alerts:
        store(alerts, *(unsure(seq) for seq in range(300)))
        state = alerts.state()
        store(alerts, unsure(300))
    whole = path.read_bytes()
    path.write_bytes(b"?" + whole[1:])

    with closing(opened(path, state)) as alerts:
        assert alerts.report()[1]["count"] == 301
    with pytest.raises(BadInput, match=r"alerts\.jsonl: line 1 is not an alert"):
        opened(path)


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_a_file_that_somebody_clears_away_is_no_end(path, how):
    with closing(opened(path)) as alerts:
        store(alerts, unsure(0))
        if how == "deleted":
            path.unlink()
        else:
            path.write_bytes(b"")
        store(alerts, unsure(1))

        (news,) = alerts.news()
        assert "alerts.jsonl" in news
        ids = [alert["id"] for alert in raised(path)]
    both = ["low_confidence-0-0", "low_confidence-0-1"]
    assert ids == (both if how == "deleted" else both[1:])


def test_an_alert_is_in_the_file_when_its_row_is_acknowledged(path):
    with closing(opened(path)) as alerts:
        store(alerts, unsure(1))

        assert len(raised(path)) == 1


def test_a_torn_tail_is_cut_off_wherever_the_sink_was_killed(tmp_path):
    """The file ends at every byte of its last two lines in turn."""
    complete = tmp_path / "complete.jsonl"
    with closing(opened(complete)) as alerts:
        store(alerts, unsure(0), unsure(1))
        alerts.take_events([event("n-1", "restart", "Büchse\nzweite Zeile")])
    whole = complete.read_bytes()
    first_cut = whole.index(b"\n") + 1
    ids = [alert["id"] for alert in raised(complete)]

    for cut in range(first_cut, len(whole) + 1):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        with closing(opened(path)) as alerts:
            assert [alert["id"] for alert in raised(path)] == ids[:lines]
            store(alerts, unsure(0), unsure(1))
            alerts.take_events([event("n-1", "restart", "Büchse\nzweite Zeile")])
        assert [alert["id"] for alert in raised(path)] == ids


def test_an_alert_is_one_line_whatever_its_text(path):
    with closing(opened(path)) as alerts:
        alerts.take_events([event("n-1", "restart", 'two\nlines, "quotes" and \u2028 纸')])

    assert path.read_bytes().count(b"\n") == 1
    assert json.loads(path.read_bytes())["text"] == 'two\nlines, "quotes" and \u2028 纸'
