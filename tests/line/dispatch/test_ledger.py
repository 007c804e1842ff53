"""The ledger's decisions, case by case: events in, the exact list of actions out."""

from __future__ import annotations

import math

from line.dispatch.actions import Acknowledge, Assign, Picture, Suspect
from line.outcome import Verdict
from tests.ledger_events import (
    DATA,
    LEASE_S,
    W0,
    W1,
    acknowledged,
    answer,
    assigned,
    drop,
    frame,
    ledger,
    outcome,
    written,
)

# -- assignment -----------------------------------------------------------------------------------


def test_a_frame_goes_to_a_worker_with_its_picture_at_once() -> None:
    line = ledger(W0)
    assert line.frame(frame(0), DATA, 0.0) == [Assign(W0, Picture(frame(0), DATA))]
    assert line.waiting == 0
    assert line.held == 1
    assert line.loads() == {W0: (1, 0)}


def test_a_repeated_frame_changes_nothing() -> None:
    line = ledger(W0)
    line.frame(frame(0), DATA, 0.0)
    assert line.frame(frame(0), DATA, 0.1) == []
    line.result(W0, answer(0), 0.2)
    assert line.frame(frame(0), DATA, 0.3) == []
    assert line.held == 1


def test_the_earliest_deadline_goes_first_across_cameras_and_ties_go_by_arrival() -> None:
    line = ledger()
    line.frame(frame(0, deadline=5.0, camera=0), DATA, 0.0)
    line.frame(frame(1, deadline=3.0, camera=1), DATA, 0.0)
    line.frame(frame(9, deadline=4.0, camera=1), DATA, 0.0)
    line.frame(frame(2, deadline=4.0, camera=0), DATA, 0.0)
    line.frame(frame(3, deadline=1.0, camera=2), DATA, 0.0)
    actions = line.worker_joined(W0, 64, 0.0)
    assert assigned(actions) == [(W0, seq) for seq in (3, 1, 9, 2, 0)]


def test_without_deadlines_frames_go_in_the_order_of_arrival() -> None:
    line = ledger()
    for seq in (4, 2, 7):
        line.frame(frame(seq), DATA, 0.0)
    assert assigned(line.worker_joined(W0, 64, 0.0)) == [(W0, 4), (W0, 2), (W0, 7)]


def test_a_worker_never_holds_more_than_its_credit() -> None:
    line = ledger(W0, credit=2)
    given = [assigned(line.frame(frame(seq), DATA, 0.0)) for seq in range(4)]
    assert given == [[(W0, 0)], [(W0, 1)], [], []]
    assert line.waiting == 2
    assert assigned(line.result(W0, answer(0), 0.1)) == [(W0, 2)]
    assert assigned(line.result(W0, answer(0), 0.2)) == []  # its credit came back once already
    assert line.loads() == {W0: (2, 1)}


def test_a_worker_without_credit_gets_nothing() -> None:
    assert ledger(W0, credit=0).frame(frame(0), DATA, 0.0) == []


def test_joining_twice_does_not_give_a_worker_twice_its_credit() -> None:
    line = ledger(W0, credit=1)
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    assert line.worker_joined(W0, 1, 0.1) == []


def test_the_worker_that_holds_the_fewest_frames_is_chosen() -> None:
    line = ledger(W0, W1, credit=3)
    workers = [assigned(line.frame(frame(seq), DATA, 0.0))[0][0] for seq in range(4)]
    assert workers == [W0, W1, W0, W1]
    line.result(W1, answer(1), 0.1)
    assert assigned(line.frame(frame(4), DATA, 0.1)) == [(W1, 4)]


def test_of_equally_loaded_workers_the_one_that_has_answered_least_is_chosen() -> None:
    line = ledger(W0, W1)
    line.frame(frame(0), DATA, 0.0)
    line.result(W0, answer(0), 0.1)
    assert assigned(line.frame(frame(1), DATA, 0.2)) == [(W1, 1)]


def test_a_worker_that_joins_late_is_given_what_waits() -> None:
    line = ledger()
    assert line.frame(frame(0), DATA, 0.0) == []
    assert assigned(line.worker_joined(W0, 2, 0.0)) == [(W0, 0)]


# -- deadlines ------------------------------------------------------------------------------------


def test_a_frame_that_arrives_dead_is_never_assigned() -> None:
    line = ledger(W0, log=True)
    actions = line.frame(frame(0, deadline=1.0), DATA, 1.5)
    assert assigned(actions) == []
    row = outcome(actions)
    assert (row.verdict, row.attempts) == (Verdict.EXPIRED, 0)
    assert row.reason


def test_a_frame_that_dies_waiting_is_never_assigned() -> None:
    line = ledger(log=True)
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    line.frame(frame(1, deadline=9.0), DATA, 0.0)
    actions = line.worker_joined(W0, 2, 1.5)
    assert outcome(actions).seq == 0
    assert assigned(actions) == [(W0, 1)]


def test_a_frame_that_dies_waiting_is_decided_by_the_clock_alone() -> None:
    line = ledger(log=True)
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    assert line.tick(0.9) == []
    assert outcome(line.tick(1.1)).verdict is Verdict.EXPIRED
    assert line.waiting == 0
    assert line.tick(1.2) == []


def test_a_frame_whose_worker_dies_after_the_deadline_is_not_given_to_another() -> None:
    line = ledger(W0, W1, log=True)
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    actions = line.worker_left(W0, 1.5)
    assert assigned(actions) == []
    row = outcome(actions)
    assert (row.verdict, row.attempts) == (Verdict.EXPIRED, 1)


def test_an_answer_after_the_deadline_is_late() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    assert outcome(line.result(W0, answer(0), 1.25)).verdict is Verdict.LATE


# -- items without frames -------------------------------------------------------------------------


def test_an_unseen_item_is_decided_at_once() -> None:
    line = ledger(W0, log=True)
    row = outcome(line.unseen([drop(3, camera=1)]))
    assert (row.camera, row.seq, row.verdict, row.reason) == (1, 3, Verdict.DROPPED, "overrun")
    assert line.stored([(1, 3)]) == [Acknowledge(row, has_picture=False)]


def test_a_repeated_range_only_tells_what_is_new() -> None:
    line = ledger(log=True)
    line.unseen([drop(0), drop(1)])
    assert written(line.unseen([drop(0), drop(1), drop(2)])) == [2]


def test_a_frame_does_not_become_unseen_nor_an_unseen_item_a_frame() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    assert line.unseen([drop(0)]) == []
    line.unseen([drop(1)])
    assert line.frame(frame(1), DATA, 0.0) == []


# -- time -----------------------------------------------------------------------------------------


def test_nothing_is_due_while_nothing_waits_for_time() -> None:
    line = ledger(W0, log=True)
    assert line.next_tick() == math.inf
    line.frame(frame(0), DATA, 0.0)
    line.result(W0, answer(0), 0.1)
    assert line.next_tick() == math.inf


def test_a_frame_without_deadline_makes_nothing_due() -> None:
    line = ledger()
    line.frame(frame(0), DATA, 0.0)
    assert line.next_tick() == math.inf


def test_the_next_tick_is_the_first_deadline_or_the_first_end_of_a_lease() -> None:
    line = ledger(W0, credit=1)
    line.frame(frame(0, deadline=9.0), DATA, 0.5)
    assert line.next_tick() == 0.5 + LEASE_S
    line.frame(frame(1, deadline=8.0), DATA, 0.6)
    line.frame(frame(2, deadline=1.5), DATA, 0.7)
    assert line.next_tick() == 1.5


def test_a_tick_at_the_very_moment_of_a_deadline_has_something_to_do() -> None:
    # In virtual time no moment lies between this one and the next: doing nothing would never end.
    line = ledger(log=True)
    line.frame(frame(0, deadline=1.5), DATA, 0.0)
    assert line.next_tick() == 1.5
    line.tick(1.5)
    assert line.next_tick() == math.inf


def test_a_tick_at_the_very_end_of_a_lease_has_something_to_do() -> None:
    line = ledger(W0)
    line.frame(frame(0), DATA, 0.0)
    assert line.next_tick() == LEASE_S
    assert line.tick(LEASE_S) == [Suspect(W0)]
    assert line.next_tick() == math.inf


def test_nothing_is_remembered_of_an_acknowledged_item() -> None:
    line = ledger(W0, credit=64, log=True)
    for round_ in range(3):  # the same items again, as from a camera that restarted
        for seq in range(20):
            line.frame(frame(seq, deadline=1e6 - seq), DATA, float(round_))
        for seq in reversed(range(20)):
            line.result(W0, answer(seq), float(round_))
        keys = [(0, seq) for seq in range(20)]
        assert acknowledged(line.stored(keys)) == keys
        assert (line.held, line.waiting, len(line._log)) == (0, 0, 0)
    assert line.loads()[W0][0] == 0
