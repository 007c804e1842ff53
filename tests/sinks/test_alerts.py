from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from line.errors import BadInput
from line.outcome import Outcome, Verdict
from line.settings import AlertSettings
from sinks.alert_rates import RateAlarm
from sinks.alerts import Alerts
from sinks.follower import LineEvent
from tests.sinks.test_csv_log import outcome

LIMITS = AlertSettings(
    window_items=10, drop_rate=0.2, late_rate=0.2, clear_ratio=0.5, per_s_max=1000
)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "alerts.jsonl"


def raised(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def opened(path: Path, state: dict[str, Any] | None = None, **options: Any) -> Alerts:
    """The sink as its process opens it, after one whose last checkpoint was `state`."""
    alerts = Alerts(path, options.pop("settings", LIMITS), **options)
    alerts.restore(state)
    return alerts


def store(alerts: Alerts, *rows: Outcome) -> None:
    assert alerts.take(rows) == len(rows)


def event(event_id: str, kind: str, text: str) -> LineEvent:
    return LineEvent(event_id, kind, text, "2026-01-02T03:04:05.678+00:00")


def unsure(seq: int) -> Outcome:
    return outcome(seq, low_confidence=True, verdict=Verdict.LOW_CONFIDENCE, confidence=0.31)


def feed(alerts: Alerts, verdicts: list[Verdict], first_seq: int = 0) -> None:
    for seq, verdict in enumerate(verdicts, first_seq):
        store(alerts, outcome(seq, verdict=verdict))


# -- the rate ------------------------------------------------------------------------------------


def test_an_alarm_judges_full_windows_only():
    alarm = RateAlarm(limit=0.2, clear=0.1, window=10)

    assert [alarm.add(True) for _ in range(10)] == [None] * 9 + [True]
    assert (alarm.rate, alarm.items) == (1.0, 10)


def test_an_alarm_goes_on_above_its_limit_and_not_at_it():
    alarm = RateAlarm(limit=0.2, clear=0.1, window=10)

    changes = [alarm.add(hit) for hit in [True, True, *[False] * 8]]

    assert changes == [None] * 10
    assert alarm.rate == 0.2


def test_an_alarm_that_is_on_stays_on_between_its_two_limits():
    alarm = RateAlarm(limit=0.3, clear=0.1, window=10)
    for hit in [*[False] * 6, *[True] * 4]:
        last = alarm.add(hit)
    assert last is True

    changes = {}
    for _ in range(10):
        change = alarm.add(False)
        changes[alarm.rate] = change

    assert changes == {0.4: None, 0.3: None, 0.2: None, 0.1: False, 0.0: None}


def test_an_alarm_may_go_on_again():
    alarm = RateAlarm(limit=0.5, clear=0.2, window=2)

    changes = [alarm.add(hit) for hit in [True, True, False, False, True, True, False, False]]

    assert changes == [None, True, None, False, None, True, None, False]


# -- the sink ------------------------------------------------------------------------------------


def test_an_unsure_item_is_an_alert_with_an_id(path):
    with closing(opened(path)) as alerts:
        store(alerts, unsure(4), outcome(5))

    (alert,) = raised(path)
    assert alert["id"] == "low_confidence-0-4"
    assert (alert["kind"], alert["level"], alert["frame_id"]) == ("low_confidence", "info", "0-4")
    assert alert["text"] == "item 0-4: glass at only 0.31"


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.DROPPED, "drop_rate"),
        (Verdict.EXPIRED, "drop_rate"),
        (Verdict.FAILED, "drop_rate"),
        (Verdict.LATE, "late_rate"),
    ],
)
def test_a_rate_over_its_limit_is_one_alert_and_its_end_another(path, verdict, kind):
    with closing(opened(path)) as alerts:
        feed(alerts, [*[Verdict.SORTED] * 7, *[verdict] * 3, *[Verdict.SORTED] * 20])

    over, normal = raised(path)
    assert (over["kind"], over["level"], over["id"]) == (kind, "alarm", f"{kind}-0-9")
    assert "over its limit: 30.0% of the last 10 items" in over["text"]
    # The window slides: the first of the three leaves it with item 17, the second with 18.
    assert (normal["kind"], normal["level"], normal["id"]) == (kind, "info", f"{kind}-0-18")
    assert "back to normal: 10.0% of the last 10 items" in normal["text"]


def test_drops_and_late_items_have_each_their_own_alarm(path):
    with closing(opened(path)) as alerts:
        feed(alerts, [Verdict.SORTED] * 6 + [Verdict.DROPPED, Verdict.LATE] * 2)

    assert raised(path) == [], "20% of each is at the limit, not over it"


def test_good_items_raise_nothing(path):
    with closing(opened(path)) as alerts:
        feed(alerts, [Verdict.SORTED, Verdict.RESIDUE_OK, Verdict.MISSORTED, Verdict.MISSED] * 10)

    assert raised(path) == []


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
        feed(alerts, [*[Verdict.LATE] * 10, *[Verdict.SORTED] * 10] * 3)
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
        feed(alerts, [Verdict.SORTED] * 8 + [Verdict.LATE])
        state = json.loads(json.dumps(alerts.state()))

    with closing(opened(path, state)) as alerts:
        feed(alerts, [Verdict.LATE] * 2, first_seq=9)
        assert [alert["id"] for alert in raised(path)] == ["late_rate-0-10"]
        state = alerts.state()

    with closing(opened(path, state)) as alerts:
        feed(alerts, [Verdict.LATE] * 10, first_seq=11)

    assert len(raised(path)) == 1, "an alarm that is on stays on"


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
