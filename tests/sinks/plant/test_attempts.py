"""Calls to servers that fail, freeze and come back."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from threading import Event
from typing import Any

import pytest

from line.errors import BadInput, StorageError
from sinks.plant.attempts import Attempts
from tests.running_line import poll


class Time:
    """The test turns it on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def fails(text: str) -> Any:
    def call() -> None:
        raise StorageError(text)

    return call


def made(attempts: Attempts, kind: str, what: object, call: Any) -> bool:
    try:
        attempts.make(kind, what, call)
    except StorageError:
        return False
    return True


def test_a_call_is_made_once_for_each_time_that_it_is_asked_for() -> None:
    attempts, calls = Attempts(300), list[str]()
    for _ in range(2):
        attempts.make("rows", 1, lambda: calls.append("rows"))
    assert calls == ["rows", "rows"]
    assert attempts.is_idle


def test_the_pause_after_a_failure_grows_to_its_limit_and_is_short_again_after_a_success() -> None:
    time, calls = Time(), list[float]()
    attempts = Attempts(300, time)

    def refuse() -> None:
        calls.append(time.now)
        raise StorageError("away")

    while time.now < 50:
        with pytest.raises(StorageError, match="away"):
            attempts.make("rows", 1, refuse)
        time.now += 0.25
    pauses = [b - a for a, b in pairwise(calls)]
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]
    time.now += 10
    attempts.make("rows", 1, lambda: None)
    assert not made(attempts, "rows", 2, fails("again"))
    time.now += 0.5
    assert made(attempts, "rows", 2, lambda: None)


def test_pauses_are_short_when_little_time_is_left() -> None:
    time = Time()
    attempts = Attempts(300, time)
    for _ in range(40):
        assert not made(attempts, "rows", 1, fails("away"))
        time.now += 0.5
    attempts.hurry()
    for _ in range(3):
        time.now += 0.5
        calls: list[int] = []
        assert made(attempts, "rows", 1, partial(calls.append, 1))
        assert calls == [1]
        assert not made(attempts, "rows", 2, fails("away"))


def test_a_call_that_does_not_return_is_told_of_and_not_made_twice() -> None:
    attempts, go_on, calls = Attempts(0.01), Event(), list[int]()

    def frozen() -> None:
        calls.append(1)
        assert go_on.wait(300)

    for _ in range(3):
        with pytest.raises(StorageError, match="no answer for"):
            attempts.make("rows", (1, 2), frozen)
        with pytest.raises(StorageError, match="no answer for"):
            attempts.make("labels", "x", lambda: calls.append(2))
    assert not attempts.is_idle
    go_on.set()
    poll(lambda: made(attempts, "labels", "x", lambda: calls.append(2)), "the labels' turn")
    attempts.make("rows", (1, 2), frozen)
    assert calls == [1, 2]


def test_what_else_goes_wrong_is_raised_as_it_is() -> None:
    def damaged() -> None:
        raise BadInput("run.json: damaged")

    with pytest.raises(BadInput, match="damaged"):
        Attempts(300).make("rows", 1, damaged)
