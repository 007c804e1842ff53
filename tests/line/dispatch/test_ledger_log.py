"""The ledger and the log: which row is sent when, and when an item is done."""

from __future__ import annotations

import pytest

from line.dispatch.actions import Acknowledge, Picture, Write
from line.messages import Refusal
from line.outcome import Verdict
from tests.ledger_events import (
    DATA,
    W0,
    acknowledged,
    answer,
    assigned,
    drop,
    frame,
    ledger,
    outcome,
    written,
)


def test_an_outcome_goes_to_the_log_and_then_the_item_is_done() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.result(W0, answer(0), 0.1))
    assert line.held == 1
    assert line.stored([(0, 0)]) == [Acknowledge(row, has_picture=True)]
    assert (line.held, line.waiting) == (0, 0)


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.EXPIRED])
def test_an_item_without_an_answer_is_done_by_its_row_as_well(verdict: Verdict) -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    line.refusal(W0, Refusal(0, 0, verdict, "because"), 0.1)
    assert acknowledged(line.stored([(0, 0)])) == [(0, 0)]


def test_storing_twice_acknowledges_once() -> None:
    line = ledger(log=True)
    line.unseen([drop(0)])
    assert acknowledged(line.stored([(0, 0), (0, 0)])) == [(0, 0)]
    assert line.stored([(0, 0)]) == []


def test_what_was_not_decided_cannot_be_stored() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    assert line.stored([(0, 0), (5, 5)]) == []
    assert line.held == 1


def test_a_row_from_before_a_restart_is_acknowledged_once_the_item_is_decided_again() -> None:
    line = ledger(log=True)
    line.frame(frame(0), DATA, 0.0)
    assert line.stored([(0, 0)]) == []  # of the dispatcher before
    line.worker_joined(W0, 2, 0.1)
    assert written(line.result(W0, answer(0), 0.2)) == [0]
    assert acknowledged(line.stored([(0, 0)])) == [(0, 0)]


def test_a_picture_can_be_had_until_the_item_is_done() -> None:
    line = ledger(W0, log=True)
    assert line.picture((0, 0)) is None
    line.frame(frame(0), DATA, 0.0)
    line.unseen([drop(1)])
    line.result(W0, answer(0), 0.1)
    assert line.picture((0, 0)) == Picture(frame(0), DATA)
    assert line.picture((0, 1)) is None
    line.stored([(0, 0)])
    assert line.picture((0, 0)) is None


def test_the_log_is_sent_no_more_than_its_credit() -> None:
    line = ledger()
    line.log_joined(2)
    assert written(line.unseen(drop(seq) for seq in range(4))) == [0, 1]
    assert written(line.stored([(0, 0)])) == [2]
    assert written(line.stored([(0, 1), (0, 2)])) == [3]


def test_a_log_that_comes_back_is_sent_what_it_did_not_acknowledge_in_order() -> None:
    line = ledger(log=True)
    line.unseen(drop(seq) for seq in range(4))
    line.stored([(0, 1)])
    line.log_left()
    assert line.unseen([drop(4)]) == []
    assert written(line.log_joined(64)) == [0, 2, 3, 4]


def test_a_log_that_is_away_holds_up_nothing_but_the_acknowledgement() -> None:
    line = ledger(W0)
    line.frame(frame(0), DATA, 0.0)
    assert line.result(W0, answer(0), 0.1) == []
    assert assigned(line.frame(frame(1), DATA, 0.2)) == [(W0, 1)]
    (write,) = line.log_joined(64)
    assert isinstance(write, Write)
    assert acknowledged(line.stored([(0, 0)])) == [(0, 0)]


def test_a_log_that_joins_again_without_having_left_is_sent_everything_again() -> None:
    line = ledger(log=True)
    line.unseen([drop(0), drop(1)])
    line.stored([(0, 0)])
    assert written(line.log_joined(1)) == [1]
