"""What the console reads from a run folder, and writes there: alarms, orders, how a run ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.line_page.alarm_groups import Alarms
from console.line_page.orders import in_words, last_orders
from console.link import newest_run
from console.run_end import how_it_ended
from console.run_facts import RunFacts
from console.site import tidy_name
from line.errors import BadInput

# -- alarms ---------------------------------------------------------------------------------------


def write_line(run_dir: Path, second: int, **line: object) -> None:
    at = f"2026-01-01T10:00:{second:02}.000+00:00"
    with (run_dir / "alerts.jsonl").open("a") as file:
        file.write(json.dumps({"text": "x", "at": at, **line}) + "\n")


def raise_alarm(
    run_dir: Path, kind: str, number: int = 1, priority: str = "high", second: int = 0
) -> None:
    line = {"id": f"{kind}-{number}", "kind": kind, "level": "alarm", "priority": priority}
    write_line(run_dir, second, **line)


def clear_alarm(run_dir: Path, kind: str, number: int = 1, second: int = 0) -> None:
    line = {"id": f"{kind}-{number}-cleared", "kind": kind, "level": "event"}
    write_line(run_dir, second, **line, clears=f"{kind}-{number}", text="over")


def states(alarms: Alarms) -> dict[str, str]:
    alarms.refresh()
    return {alarm.key: alarms.state(alarm) for alarm in alarms.ranked()}


def test_an_alarm_is_listed_while_it_stands_and_until_it_was_seen(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    raise_alarm(tmp_path, "not_in_time")
    assert states(alarms) == {"not_in_time": "new"}
    alarms.acknowledge("not_in_time", "anna")
    [alarm] = alarms.ranked()
    assert (alarms.state(alarm), alarm.acknowledged_by) == ("acknowledged", "anna")
    clear_alarm(tmp_path, "not_in_time", second=1)
    assert states(alarms) == {}
    raise_alarm(tmp_path, "not_in_time", 2, second=2)
    assert states(alarms) == {"not_in_time": "new"}
    clear_alarm(tmp_path, "not_in_time", 2, second=3)
    assert states(alarms) == {"not_in_time": "over"}
    alarms.acknowledge("not_in_time", "bo")
    assert states(alarms) == {}


def test_alarms_about_two_processes_are_two(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    for name in ("worker-0", "worker-1"):
        line = {"id": f"worker_down-{name}-1", "kind": "worker_down", "source": name}
        write_line(tmp_path, 0, **line, level="alarm", priority="medium")
    alarms.refresh()
    alarms.acknowledge("worker_down worker-1", "anna")
    assert states(alarms) == {
        "worker_down worker-0": "new",
        "worker_down worker-1": "acknowledged",
    }
    assert alarms.ranked()[0].title == "worker down worker-0"


def test_what_stands_has_the_line_s_words_of_now(tmp_path: Path) -> None:
    """Also where it was raised so long ago that its line is not read any more."""
    alarms = Alarms(tmp_path)
    raise_alarm(tmp_path, "not_in_time")
    told = {"id": "not_in_time-1", "kind": "not_in_time", "priority": "high"}
    older = {"id": "log_waits-csv_log-1", "kind": "log_waits", "source": "csv_log"}
    alarms.refresh([{**told, "text": "75 of 100"}, {**older, "priority": "high", "text": "waits"}])
    assert {alarm.key: alarm.text for alarm in alarms.ranked()} == {
        "not_in_time": "75 of 100",
        "log_waits csv_log": "waits",
    }


def test_events_ask_for_nothing_and_are_told_by_kind(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    for second in range(3):
        write_line(tmp_path, second, kind="low_confidence", level="event", text=f"item {second}")
    write_line(tmp_path, 9, kind="restart", level="event", text="worker-0 killed")
    assert states(alarms) == {}
    assert [(e.kind, e.count, e.text) for e in alarms.events()] == [
        ("restart", 1, "worker-0 killed"),
        ("low_confidence", 3, "item 2"),
    ]


def test_what_is_new_does_not_depend_on_how_much_a_page_has_read(tmp_path: Path) -> None:
    raise_alarm(tmp_path, "not_in_time")
    first = Alarms(tmp_path)
    first.refresh()
    first.acknowledge("not_in_time", "anna")
    for _ in range(30):
        write_line(tmp_path, 2, kind="low_confidence", level="event", text="x" * 10_000)
    raise_alarm(tmp_path, "not_in_time", 2, second=3)
    late = Alarms(tmp_path)  # reads the end alone
    late.refresh()
    first.refresh()
    assert (first.are_all_counted, late.are_all_counted) == (True, False)
    for alarms in (first, late):
        assert states(alarms) == {"not_in_time": "new"}
    late.acknowledge("not_in_time", "bo")
    assert states(first) == {"not_in_time": "acknowledged"}
    assert first.ranked()[0].acknowledged_by == "bo"


def test_each_deed_has_its_own_name(tmp_path: Path) -> None:
    moments = [datetime(2026, 1, 1, 10, tzinfo=UTC)]
    alarms = Alarms(tmp_path, now=lambda: moments[-1])
    raise_alarm(tmp_path, "not_in_time")
    alarms.refresh()
    alarms.acknowledge("not_in_time", "anna")
    alarms.shelve("not_in_time", "bo")
    [alarm] = alarms.ranked()
    assert (alarms.state(alarm), alarm.shelved_by) == ("shelved", "bo")
    moments.append(moments[0] + timedelta(minutes=11))
    assert (alarms.state(alarm), alarm.acknowledged_by) == ("acknowledged", "anna")


def test_a_shelved_alarm_comes_back_after_ten_minutes(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, 10, tzinfo=UTC)
    moments = [now]
    alarms = Alarms(tmp_path, now=lambda: moments[-1])
    raise_alarm(tmp_path, "not_in_time")
    alarms.refresh()
    alarms.shelve("not_in_time", "bo")
    assert states(alarms) == {"not_in_time": "shelved"}
    moments.append(now + timedelta(minutes=11))
    assert states(alarms) == {"not_in_time": "new"}
    alarms.shelve("not_in_time", "bo")
    alarms.unshelve("not_in_time", "bo")
    assert states(alarms) == {"not_in_time": "new"}


def test_another_console_knows_what_was_done_and_the_gravest_comes_first(tmp_path: Path) -> None:
    for kind, priority in (("a", "low"), ("b", "medium"), ("c", "high"), ("d", "high")):
        raise_alarm(tmp_path, kind, priority=priority)
    first = Alarms(tmp_path)
    first.refresh()
    first.acknowledge("c", "anna")
    second = Alarms(tmp_path)
    second.refresh()
    assert [alarm.kind for alarm in second.ranked()] == ["d", "b", "a", "c"]


def test_a_torn_line_and_rubbish_are_passed_over(tmp_path: Path) -> None:
    raise_alarm(tmp_path, "not_in_time")
    with (tmp_path / "alerts.jsonl").open("a") as file:
        file.write('no json\n[1]\n{"kind": "torn"')
    alarms = Alarms(tmp_path)
    alarms.refresh()
    assert [a.kind for a in alarms.ranked()] == ["not_in_time"]


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
