"""What follows for the plant, with an outlet in memory; the tests are the loop and the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from line.errors import StorageError
from line.outcome import Outcome
from line.run_files.review_file import ReviewFile
from line.run_files.said_labels import SaidLabel
from sinks.follower import LineEvent
from sinks.plant.plant_follower import PlantFollower
from tests.running_line import poll
from tests.sinks.test_csv_log import outcome


class Memory:
    """An outlet that keeps what it is given, unless the test forbids it."""

    def __init__(self) -> None:
        self.rows: list[Outcome] = []
        self.events: list[LineEvent] = []
        self.labels: list[list[SaidLabel]] = []
        self.refuses: Exception | None = None
        self.may_answer = Event()
        self.may_answer.set()
        self.is_closed = False

    def _answer(self) -> None:
        assert self.may_answer.wait(300)
        if self.refuses is not None:
            raise self.refuses

    def put_rows(self, rows: Sequence[Outcome]) -> None:
        self._answer()
        self.rows += rows

    def put_events(self, events: Sequence[LineEvent]) -> None:
        self._answer()
        self.events += events

    def put_labels(self, labels: Sequence[SaidLabel]) -> None:
        self._answer()
        self.labels.append(list(labels))

    def close(self) -> None:
        self.is_closed = True


class Time:
    """The test turns it on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def outlet() -> Memory:
    return Memory()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def follower(tmp_path: Path, outlet: Memory, time: Time) -> PlantFollower:
    return PlantFollower(tmp_path, outlet, wait_s=300, clock=time)


def event(number: int) -> LineEvent:
    return LineEvent(f"id-{number}", "restart", "of it", "2026-01-02T03:04:05+00:00")


def done(call: Any) -> Any:
    try:
        return call() or True
    except StorageError:
        return False


def test_rows_and_events_are_done_when_they_stand_there(
    follower: PlantFollower, outlet: Memory
) -> None:
    follower.restore(None)
    assert follower.take([outcome(0), outcome(1)], final=False) == 2
    follower.take_events([event(0), event(1)])
    assert outlet.rows == [outcome(0), outcome(1)]
    assert outlet.events == [event(0), event(1)]
    follower.close()
    assert outlet.is_closed


def test_an_outlet_that_is_away_is_told_of_and_asked_again(
    follower: PlantFollower, outlet: Memory, time: Time
) -> None:
    outlet.refuses = StorageError("away")
    for _ in range(3):
        with pytest.raises(StorageError, match="away"):
            follower.take([outcome(0)], final=False)
    outlet.refuses = None
    time.now += 1
    assert follower.take([outcome(0), outcome(1)], final=False) == 1
    assert follower.take([outcome(1)], final=False) == 1
    assert outlet.rows == [outcome(0), outcome(1)]


def test_one_that_answers_late_gets_nothing_twice_while_more_and_more_comes(
    tmp_path: Path, outlet: Memory
) -> None:
    follower = PlantFollower(tmp_path, outlet, wait_s=0.01)
    outlet.may_answer.clear()
    for count in range(1, 4):
        assert not done(lambda n=count: follower.take_events([event(i) for i in range(n)]))
    outlet.may_answer.set()
    poll(lambda: done(lambda: follower.take_events([event(i) for i in range(4)])), "events")
    assert outlet.events == [event(i) for i in range(4)]
    outlet.may_answer.clear()
    for count in range(1, 4):
        rows = [outcome(seq) for seq in range(count)]
        assert not done(lambda some=rows: follower.take(some, final=True))
        assert not done(lambda: follower.take_events([event(9)]))
    outlet.may_answer.set()
    rows = [outcome(seq) for seq in range(4)]
    poll(lambda: done(lambda: follower.take_events([event(9)])), "an event")
    assert follower.take(rows, final=True) == 1
    assert outlet.rows == [outcome(0)]


def test_a_row_that_no_row_can_be_is_left_out_and_told_of(
    follower: PlantFollower, outlet: Memory
) -> None:
    bad = [outcome(1, attempts=2**70), outcome(2, reason="a\0b"), outcome(-3)]
    assert follower.take([outcome(0), *bad, outcome(4)], final=False) == 5
    assert [row.seq for row in outlet.rows] == [0, 4]
    assert len(follower.news()) == 3
    assert follower.news() == []


def test_labels_are_put_when_somebody_has_said_something(
    follower: PlantFollower, outlet: Memory, time: Time, tmp_path: Path
) -> None:
    follower.turn()
    assert outlet.labels == []
    with ReviewFile(tmp_path / "review") as queue:
        number = queue.label("0-7", "glass", "anna")
        time.now += 10
        follower.turn()
        follower.turn()
        queue.withdraw(number, "ben")
        time.now += 10
        follower.turn()
    time.now += 10
    follower.turn()
    assert [[(each.label, each.is_withdrawn) for each in put] for put in outlet.labels] == [
        [("glass", False)],
        [("glass", True)],
    ]


def test_a_queue_that_cannot_be_read_is_told_of_once_and_holds_up_no_row(
    follower: PlantFollower, outlet: Memory, time: Time, tmp_path: Path
) -> None:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "queue.sqlite").write_bytes(b"no database" * 100)
    for _ in range(3):
        follower.turn()
        time.now += 10
    (news,) = follower.news()
    assert "queue.sqlite" in news
    assert follower.take([outcome(0)], final=False) == 1
