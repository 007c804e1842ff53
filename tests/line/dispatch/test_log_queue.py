"""The queue towards the log: in order, within its credit, nothing lost when it dies."""

from __future__ import annotations

from line.dispatch.log_queue import LogQueue
from line.messages import Key

A, B, C, D = (0, 0), (0, 1), (0, 2), (0, 3)


def opened(credit: int, *keys: Key) -> LogQueue:
    queue = LogQueue()
    queue.open(credit)
    for key in keys:
        queue.push(key)
    return queue


def test_nothing_is_sent_before_the_log_joins() -> None:
    queue = LogQueue()
    assert queue.push(A) == []
    assert len(queue) == 1
    assert queue.open(5) == [A]


def test_no_more_is_sent_than_the_credit_allows_and_the_order_is_kept() -> None:
    queue = opened(2)
    assert [queue.push(key) for key in (A, B, C, D)] == [[A], [B], [], []]
    assert queue.pull() == []
    queue.settle(A)
    assert queue.pull() == [C]
    queue.settle(B)
    queue.settle(C)
    assert queue.pull() == [D]


def test_what_was_sent_and_not_stored_comes_first_when_the_log_is_back() -> None:
    queue = opened(3, A, B, C, D)
    queue.settle(B)
    queue.close()
    assert queue.push((1, 0)) == []
    assert queue.open(8) == [A, C, D, (1, 0)]


def test_a_log_that_joins_twice_is_sent_everything_again() -> None:
    assert opened(3, A, B).open(3) == [A, B]


def test_a_smaller_credit_holds_from_the_next_joining_on() -> None:
    queue = opened(3, A, B, C)
    assert queue.open(1) == [A]
    queue.settle(A)
    assert queue.pull() == [B]


def test_what_still_waits_may_be_stored_already() -> None:
    queue = opened(1, A, B, C)
    queue.settle(B)
    queue.settle(A)
    assert queue.pull() == [C]
    assert len(queue) == 1


def test_leaving_twice_changes_nothing() -> None:
    queue = opened(1, A, B)
    queue.close()
    queue.close()
    assert queue.open(9) == [A, B]
