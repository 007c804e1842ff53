from __future__ import annotations

import pytest

from line.deliveries import Deliveries
from line.messages import (
    Key,
)

A, B, C, D = [(0, seq) for seq in range(4)]


def opened(credit: int, *keys: Key) -> Deliveries:
    """One sink, `log`, with `keys` pushed towards it."""
    deliveries = Deliveries(("log",))
    deliveries.open("log", credit)
    for key in keys:
        deliveries.push("log", key)
    return deliveries


def test_nothing_is_sent_to_a_sink_that_has_not_joined() -> None:
    deliveries = Deliveries(("log",))
    assert deliveries.push("log", A) == []
    assert not deliveries.is_open("log")
    assert deliveries.backlog("log") == 1
    assert deliveries.open("log", 5) == [A]
    assert deliveries.is_open("log")


def test_no_more_is_under_way_than_the_credit() -> None:
    deliveries = opened(2)
    assert [deliveries.push("log", key) for key in (A, B, C, D)] == [[A], [B], [], []]
    assert deliveries.pull("log") == []
    deliveries.settle("log", A)
    assert deliveries.pull("log") == [C]
    deliveries.settle("log", B)
    deliveries.settle("log", C)
    assert deliveries.pull("log") == [D]


def test_a_sink_without_credit_is_sent_nothing() -> None:
    assert opened(0).push("log", A) == []


def test_a_sink_that_left_gets_again_what_it_did_not_settle_in_the_old_order() -> None:
    deliveries = opened(3, A, B, C, D)
    deliveries.settle("log", B)
    deliveries.close("log")
    assert deliveries.push("log", (1, 0)) == []
    assert deliveries.open("log", 8) == [A, C, D, (1, 0)]


def test_a_sink_that_joins_again_without_having_left_is_sent_everything_again() -> None:
    deliveries = opened(3, A, B)
    assert deliveries.open("log", 3) == [A, B]


def test_a_new_incarnation_may_grant_another_credit() -> None:
    deliveries = opened(3, A, B, C)
    assert deliveries.open("log", 1) == [A]
    deliveries.settle("log", A)
    assert deliveries.pull("log") == [B]


def test_what_waits_can_be_settled_out_of_turn() -> None:
    deliveries = opened(1, A, B, C)
    deliveries.settle("log", B)
    deliveries.settle("log", A)
    assert deliveries.pull("log") == [C]
    assert deliveries.backlog("log") == 1


def test_closing_twice_changes_nothing() -> None:
    deliveries = opened(1, A, B)
    deliveries.close("log")
    deliveries.close("log")
    assert deliveries.open("log", 9) == [A, B]


def test_sinks_do_not_share_credit() -> None:
    deliveries = Deliveries(("log", "alerts"))
    deliveries.open("log", 1)
    deliveries.open("alerts", 1)
    assert deliveries.push("log", A) == [A]
    assert deliveries.push("alerts", A) == [A]
    deliveries.settle("log", A)
    assert deliveries.backlog("log") == 0
    assert deliveries.backlog("alerts") == 1


def test_a_key_that_was_never_pushed_cannot_be_settled() -> None:
    with pytest.raises(ValueError, match="not in"):
        opened(1, A).settle("log", B)
