"""What the console reads from a run folder, and writes there: alarms, orders, how a run ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.line_page.alarm_groups import Alarms
from console.line_page.orders import in_words, last_orders
from console.link import how_it_ended, newest_run
from console.run_facts import RunFacts
from console.site import tidy_name
from line.errors import BadInput

# -- alarms ---------------------------------------------------------------------------------------


def raise_alert(
    run_dir: Path, kind: str, level: str = "warning", text: str = "x", second: int = 0
) -> None:
    at = f"2026-01-01T10:00:{second:02}.000+00:00"
    alert = {"kind": kind, "level": level, "text": text, "at": at}
    with (run_dir / "alerts.jsonl").open("a") as file:
        file.write(json.dumps(alert) + "\n")


def test_an_acknowledged_kind_is_new_again_with_the_next_alert(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    raise_alert(tmp_path, "restart")
    alarms.refresh()
    assert [alarms.state(a) for a in alarms.ranked()] == ["new"]
    alarms.acknowledge("restart", "anna")
    [alarm] = alarms.ranked()
    assert (alarms.state(alarm), alarm.acknowledged_by) == ("acknowledged", "anna")
    raise_alert(tmp_path, "restart", text="again", second=1)
    alarms.refresh()
    assert [(alarms.state(a), a.count, a.text) for a in alarms.ranked()] == [("new", 2, "again")]


def test_what_is_new_does_not_depend_on_how_much_a_page_has_read(tmp_path: Path) -> None:
    raise_alert(tmp_path, "drop_rate")
    first = Alarms(tmp_path)
    first.refresh()
    raise_alert(tmp_path, "drop_rate", second=1)
    first.refresh()
    first.acknowledge("drop_rate", "anna")
    for _ in range(30):
        raise_alert(tmp_path, "low_confidence", text="x" * 10_000, second=2)
    raise_alert(tmp_path, "drop_rate", second=3)
    late = Alarms(tmp_path)  # reads the end alone
    late.refresh()
    first.refresh()
    assert (first.are_all_counted, late.are_all_counted) == (True, False)
    for alarms in (first, late):
        states = {alarm.kind: alarms.state(alarm) for alarm in alarms.ranked()}
        assert states == {"drop_rate": "new", "low_confidence": "new"}
    late.acknowledge("drop_rate", "bo")
    first.refresh()
    [alarm] = (alarm for alarm in first.ranked() if alarm.kind == "drop_rate")
    assert (first.state(alarm), alarm.acknowledged_by) == ("acknowledged", "bo")


def test_each_deed_has_its_own_name(tmp_path: Path) -> None:
    moments = [datetime(2026, 1, 1, 10, tzinfo=UTC)]
    alarms = Alarms(tmp_path, now=lambda: moments[-1])
    raise_alert(tmp_path, "restart")
    alarms.refresh()
    alarms.acknowledge("restart", "anna")
    alarms.shelve("restart", "bo")
    [alarm] = alarms.ranked()
    assert (alarms.state(alarm), alarm.shelved_by) == ("shelved", "bo")
    moments.append(moments[0] + timedelta(minutes=11))
    assert (alarms.state(alarm), alarm.acknowledged_by) == ("acknowledged", "anna")


def test_a_shelved_kind_comes_back_after_ten_minutes(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, 10, tzinfo=UTC)
    moments = [now]
    alarms = Alarms(tmp_path, now=lambda: moments[-1])
    raise_alert(tmp_path, "late_rate", "alarm")
    alarms.refresh()
    alarms.shelve("late_rate", "bo")
    assert [alarms.state(a) for a in alarms.ranked()] == ["shelved"]
    moments.append(now + timedelta(minutes=11))
    assert [alarms.state(a) for a in alarms.ranked()] == ["new"]
    alarms.shelve("late_rate", "bo")
    alarms.unshelve("late_rate", "bo")
    assert [alarms.state(a) for a in alarms.ranked()] == ["new"]


def test_another_console_knows_what_was_done_and_the_gravest_comes_first(tmp_path: Path) -> None:
    for kind, level in (("low_confidence", "info"), ("restart", "warning"), ("drops", "alarm")):
        raise_alert(tmp_path, kind, level)
    first = Alarms(tmp_path)
    first.refresh()
    first.acknowledge("drops", "anna")
    second = Alarms(tmp_path)
    second.refresh()
    assert [a.kind for a in second.ranked()] == ["restart", "low_confidence", "drops"]


def test_a_torn_line_and_rubbish_are_passed_over(tmp_path: Path) -> None:
    raise_alert(tmp_path, "restart")
    with (tmp_path / "alerts.jsonl").open("a") as file:
        file.write('no json\n[1]\n{"kind": "torn"')
    alarms = Alarms(tmp_path)
    alarms.refresh()
    assert [a.kind for a in alarms.ranked()] == ["restart"]


# -- folders, orders, names -----------------------------------------------------------------------


def test_the_newest_run_and_how_it_ended(tmp_path: Path) -> None:
    assert newest_run(tmp_path) is None
    assert newest_run(tmp_path / "missing") is None
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "settings.json").write_text("{}")
    (tmp_path / "report").mkdir()
    assert newest_run(tmp_path) == tmp_path / "a"
    assert how_it_ended(tmp_path / "a") is None
    (tmp_path / "a" / "run.json").write_text('{"ended": "drained"}')
    assert how_it_ended(tmp_path / "a") == "drained"


def test_a_folder_that_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a run folder"):
        RunFacts.load(tmp_path)
    (tmp_path / "settings.json").write_text('{"title": "old"}')
    with pytest.raises(BadInput, match="another version, or damaged"):
        RunFacts.load(tmp_path)


def test_orders_are_read_newest_first_and_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    assert last_orders(path) == []
    orders = [
        {"who": "anna", "action": "belt_speed", "facts": {"m_per_s": 1.2}, "done": True},
        {"who": "bo", "action": "pause", "facts": {}, "done": False, "reason": "no"},
    ]
    path.write_text("torn\n" + "".join(json.dumps(order) + "\n" for order in orders))
    assert [in_words(entry) for entry in last_orders(path)] == [
        "bo: pause, refused: no",
        "anna: belt speed 1.2",
    ]


@pytest.mark.parametrize(
    ("given", "kept"), [("  Anna\n", "Anna"), ("\x00\x1b[2J", "[2J"), ("x" * 99, "x" * 40)]
)
def test_a_name_is_fit_for_a_log(given: str, kept: str) -> None:
    assert tidy_name(given) == kept
