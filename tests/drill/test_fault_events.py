"""Whether each fault was told of, and the alarms, as the drill judges them from outside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from drill.fault_events import EventWatch, alarms_told, faults_told
from drill.fault_records import FaultRecord
from drill.plan import Injection
from drill.subject import Process

HIT = Process("worker-0", "worker", 11, ready=True)


@pytest.fixture
def watch(tmp_path: Path) -> EventWatch:
    return EventWatch(tmp_path)


def told(tmp_path: Path, watch: EventWatch, event: str, process: str = "worker-0") -> None:
    line = {"id": event, "event": event, "text": "x", "at": "", "process": process}
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    watch.look()


def alarm(tmp_path: Path, watch: EventWatch, at: float, **line: Any) -> None:
    facts = {"id": "worker_down-worker-0-1", "kind": "worker_down", "source": "worker-0", **line}
    with (tmp_path / "alerts.jsonl").open("a") as file:
        file.write(json.dumps(facts) + "\n")
    watch.look()
    watch.alarms[-1] = type(watch.alarms[-1])(at, "worker_down", "worker-0", facts)


def struck(kind: str, variant: str = "one", *, back: bool = True) -> FaultRecord:
    """A record of a fault that was done a while ago, to a process that is back or not."""
    record = FaultRecord(Injection(kind, variant, 1.0, 0.5), injected=monotonic() - 60)
    record.hit(HIT)
    record.strikes[HIT.name] = monotonic() - 60
    record.blows[HIT.name].back_s = 3.0 if back else None
    return record


@pytest.mark.parametrize(
    ("kind", "event"), [("kill", "restart"), ("stop", "stopped"), ("model", "restart")]
)
def test_a_fault_is_told_by_an_event_of_its_own(
    tmp_path: Path, watch: EventWatch, kind: str, event: str
) -> None:
    record = struck(kind)
    told(tmp_path, watch, event, "worker-1")
    [silent] = faults_told([record], watch)
    assert (silent.event, silent.is_silent) == ("", True), "that is another one's event"
    told(tmp_path, watch, event)
    [found] = faults_told([record], watch)
    assert (found.event, found.is_silent) == (event, False)
    assert found.after_s is not None
    assert found.after_s >= 60


def test_who_was_not_needed_any_more_may_be_silent(tmp_path: Path, watch: EventWatch) -> None:
    watch.look()
    [found] = faults_told([struck("kill", "in the drain", back=False)], watch)
    assert not found.is_silent


def test_who_was_stopped_already_is_told_of_once(tmp_path: Path, watch: EventWatch) -> None:
    told(tmp_path, watch, "stopped")
    record = struck("stop")
    record.strikes[HIT.name] = monotonic()
    watch.looked = monotonic() + 60
    [found] = faults_told([record], watch)
    assert not found.is_silent


@pytest.mark.parametrize(("down", "is_silent"), [("", True), ("dispatcher", False)])
def test_a_full_disk_shows_only_when_there_is_something_to_write(
    tmp_path: Path, watch: EventWatch, down: str, is_silent: bool
) -> None:
    told(tmp_path, watch, "back", "dispatcher")
    if down:
        told(tmp_path, watch, "stopped", down)
    record = FaultRecord(Injection("disk", "csv_log", 1.0, 0.5))
    record.aim_at("csv_log")
    told(tmp_path, watch, "continued", "dispatcher")
    watch.looked = monotonic() + 60
    watch.events[-1] = replace(watch.events[-1], at=monotonic() + 1)
    [found] = faults_told([record], watch)
    assert found.is_silent == is_silent


def test_an_alarm_that_comes_and_goes_is_found(tmp_path: Path, watch: EventWatch) -> None:
    alarm(tmp_path, watch, 100.0, level="alarm")
    cleared = {"level": "event", "clears": "worker_down-worker-0-1", "id": "c"}
    alarm(tmp_path, watch, 104.0, **cleared)
    found = alarms_told(watch, on_delay_s=10, off_delay_s=30)
    assert (found.raised, found.kinds) == (1, {"worker_down": 1})
    assert found.short == ["worker_down-worker-0-1"]


@pytest.mark.parametrize("is_alarmed", [False, True])
def test_an_outage_that_outlasts_the_delay_has_to_be_alarmed(
    tmp_path: Path, watch: EventWatch, is_alarmed: bool
) -> None:
    told(tmp_path, watch, "restart")
    told(tmp_path, watch, "back")
    first, last = watch.events
    watch.events[0] = type(first)(last.at - 20, first.event, first.process, first.line)
    if is_alarmed:
        alarm(tmp_path, watch, 100.0, level="alarm")
    found = alarms_told(watch, on_delay_s=10, off_delay_s=30)
    assert found.missing == ([] if is_alarmed else ["worker-0"])
