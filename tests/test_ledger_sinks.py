"""The ledger and the sinks: who is sent which row, and when an item is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from line.actions import (
    Acknowledge,
    Deliver,
    Picture,
)
from line.messages import (
    Refusal,
)
from line.outcome import Outcome, Verdict
from tests.ledger_events import (
    ALERTS,
    DATA,
    LOG,
    REVIEW,
    RULES,
    W0,
    answer,
    assigned,
    delivered,
    drop,
    frame,
    ledger,
    outcome,
    stored,
)

# -- sinks ----------------------------------------------------------------------------------------


def test_an_outcome_goes_to_the_log_first_then_to_the_others_then_to_the_camera() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.result(W0, answer(0), 0.1))
    assert stored(line, LOG, (0, 0)) == [Deliver(ALERTS, row, None), Deliver(REVIEW, row, None)]
    assert stored(line, REVIEW, (0, 0)) == []
    assert stored(line, ALERTS, (0, 0)) == [Acknowledge(0, 0)]
    assert (line.held, line.waiting) == (0, 0)


def test_storing_twice_acknowledges_once() -> None:
    line = ledger(sinks=[LOG, ALERTS])
    line.unseen([drop(0)])
    assert delivered(stored(line, LOG, (0, 0), (0, 0))) == [(ALERTS, 0)]
    assert stored(line, LOG, (0, 0)) == []
    assert stored(line, ALERTS, (0, 0), (0, 0)) == [Acknowledge(0, 0)]


def test_what_a_sink_was_never_sent_it_cannot_store() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    assert stored(line, LOG, (0, 0)) == []  # not decided yet
    line.result(W0, answer(0), 0.1)
    assert stored(line, ALERTS, (0, 0)) == []  # not logged yet
    assert stored(line, LOG, (5, 5)) == []
    assert line.held == 1


def test_the_row_that_the_log_holds_already_replaces_the_outcome_for_the_others() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.result(W0, answer(0), 0.1))
    truth = replace(row, verdict=Verdict.LATE, worker="worker-9#9")
    actions = stored(line, LOG, (0, 0), truth=[truth])
    assert actions == [Deliver(ALERTS, truth, None), Deliver(REVIEW, truth, None)]


def test_the_truth_decides_whether_the_review_hears_of_an_item() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.result(W0, answer(0), 0.1))
    truth = replace(row, verdict=Verdict.EXPIRED)
    assert delivered(stored(line, LOG, (0, 0), truth=[truth])) == [(ALERTS, 0)]


def test_only_the_log_speaks_the_truth() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.result(W0, answer(0), 0.1))
    lie = replace(row, verdict=Verdict.FAILED)
    stored(line, ALERTS, truth=[lie])
    assert {a.outcome for a in stored(line, LOG, (0, 0)) if isinstance(a, Deliver)} == {row}


@pytest.mark.parametrize("workers", [[], [W0]], ids=["waits", "is leased"])
def test_a_truth_about_an_item_that_is_not_decided_does_not_strand_it(workers: list[str]) -> None:
    # A row from before the dispatcher's restart, answered by the log after its new greeting.
    line = ledger(*workers, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    truth = Outcome(
        camera=0, seq=0, scheduled_s=0.0, true_class=None, verdict=Verdict.LATE, mass_g=1.0
    )
    stored(line, LOG, (0, 0), truth=[truth])
    line.worker_joined(W0, 2, 0.1)
    assert delivered(line.result(W0, answer(0), 0.2)) == [(LOG, 0)]
    assert delivered(stored(line, LOG, (0, 0), truth=[truth])) == [(ALERTS, 0), (REVIEW, 0)]


def test_a_truth_about_an_item_that_the_line_has_forgotten_is_ignored() -> None:
    line = ledger(sinks=[LOG])
    old = Outcome(
        camera=0, seq=0, scheduled_s=0.0, true_class=None, verdict=Verdict.LATE, mass_g=1.0
    )
    assert stored(line, LOG, (0, 0), truth=[old]) == []
    assert line.held == 0


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.EXPIRED])
def test_the_review_only_hears_of_answered_items(verdict: Verdict) -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    line.refusal(W0, Refusal(0, 0, verdict, "because"), 0.1)
    assert delivered(stored(line, LOG, (0, 0))) == [(ALERTS, 0)]
    assert stored(line, ALERTS, (0, 0)) == [Acknowledge(0, 0)]


def test_the_review_does_not_hear_of_an_item_whose_picture_is_not_here() -> None:
    # The log knows an answer from before the camera's restart; the review could never look at it.
    line = ledger(sinks=[LOG, ALERTS, REVIEW])
    row = outcome(line.unseen([drop(0)]))
    truth = replace(row, verdict=Verdict.SORTED, reason="", predicted_class="glass")
    assert stored(line, LOG, (0, 0), truth=[truth]) == [Deliver(ALERTS, truth, None)]
    assert stored(line, ALERTS, (0, 0)) == [Acknowledge(0, 0)]


def test_a_line_without_review_acknowledges_without_it() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS], rules=replace(RULES, followers=(ALERTS,)))
    line.frame(frame(0), DATA, 0.0)
    line.result(W0, answer(0), 0.1)
    stored(line, LOG, (0, 0))
    assert stored(line, ALERTS, (0, 0)) == [Acknowledge(0, 0)]


def test_a_sink_that_asks_is_sent_the_outcome_again_with_its_picture() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    assert line.want(REVIEW, (0, 0)) == []  # nothing to tell yet
    row = outcome(line.result(W0, answer(0), 0.1))
    assert line.want(REVIEW, (0, 0)) == []  # not its turn yet
    stored(line, LOG, (0, 0))
    assert line.want(REVIEW, (0, 0)) == [Deliver(REVIEW, row, Picture(frame(0), DATA))]
    stored(line, REVIEW, (0, 0))
    assert line.want(REVIEW, (0, 0)) == []
    assert line.want(REVIEW, (9, 9)) == []


def test_a_sink_is_sent_no_more_than_its_credit() -> None:
    line = ledger()
    line.sink_joined(LOG, 2)
    assert delivered(line.unseen(drop(seq) for seq in range(4))) == [(LOG, 0), (LOG, 1)]
    assert delivered(stored(line, LOG, (0, 0))) == [(LOG, 2)]
    assert delivered(stored(line, LOG, (0, 1), (0, 2))) == [(LOG, 3)]


def test_a_log_that_comes_back_is_sent_what_it_did_not_acknowledge_in_order() -> None:
    line = ledger(sinks=[LOG])
    line.unseen(drop(seq) for seq in range(4))
    stored(line, LOG, (0, 1))
    assert line.sink_left(LOG) == []
    assert line.unseen([drop(4)]) == []
    assert delivered(line.sink_joined(LOG, 64)) == [(LOG, seq) for seq in (0, 2, 3, 4)]


def test_a_follower_that_comes_back_is_sent_what_was_logged_and_it_did_not_acknowledge() -> None:
    line = ledger(sinks=[LOG, ALERTS])
    line.unseen(drop(seq) for seq in range(4))
    stored(line, LOG, (0, 0), (0, 1), (0, 2))
    assert stored(line, ALERTS, (0, 1)) == [Acknowledge(0, 1)]
    line.sink_left(ALERTS)
    assert delivered(line.sink_joined(ALERTS, 64)) == [(ALERTS, 0), (ALERTS, 2)]
    assert delivered(stored(line, LOG, (0, 3))) == [(ALERTS, 3)]


def test_a_log_that_is_away_holds_up_its_followers_and_nothing_else() -> None:
    line = ledger(W0, sinks=[ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    assert line.result(W0, answer(0), 0.1) == []
    assert assigned(line.frame(frame(1), DATA, 0.2)) == [(W0, 1)]
    assert delivered(line.sink_joined(LOG, 64)) == [(LOG, 0)]


def test_a_follower_that_is_away_holds_up_nobody_but_the_acknowledgement() -> None:
    line = ledger(W0, sinks=[LOG, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    line.result(W0, answer(0), 0.1)
    assert delivered(stored(line, LOG, (0, 0))) == [(REVIEW, 0)]
    assert stored(line, REVIEW, (0, 0)) == []
    assert delivered(line.sink_joined(ALERTS, 64)) == [(ALERTS, 0)]
    assert stored(line, ALERTS, (0, 0)) == [Acknowledge(0, 0)]


def test_a_sink_that_joins_again_without_having_left_is_sent_everything_again() -> None:
    line = ledger(sinks=[LOG])
    line.unseen([drop(0), drop(1)])
    stored(line, LOG, (0, 0))
    assert delivered(line.sink_joined(LOG, 1)) == [(LOG, 1)]
