"""The ledger and workers that die, hang, refuse, or answer a second time."""

from __future__ import annotations

import pytest

from line.actions import (
    Assign,
    Deliver,
    Picture,
    Suspect,
)
from line.ledger import Ledger
from line.messages import (
    Refusal,
    Result,
)
from line.outcome import Verdict
from tests.ledger_events import (
    ALERTS,
    DATA,
    LEASE_S,
    LOG,
    REVIEW,
    RULES,
    W0,
    W1,
    W2,
    answer,
    assigned,
    drop,
    frame,
    ledger,
    outcome,
    stored,
)

# -- workers that die, hang, refuse ---------------------------------------------------------------


def test_the_frames_of_a_dead_worker_go_to_another_and_the_attempts_count() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0), DATA, 0.0)
    line.worker_joined(W1, 2, 0.0)
    assert assigned(line.worker_left(W0, 0.1)) == [(W1, 0)]
    row = outcome(line.result(W1, answer(0), 0.2))
    assert (row.attempts, row.worker, row.verdict) == (2, W1, Verdict.SORTED)


def test_an_unknown_worker_may_leave() -> None:
    assert ledger(W0).worker_left(W1, 0.0) == []


def test_a_lease_that_ends_makes_the_worker_suspect_and_frees_its_frames() -> None:
    line = ledger(W0)
    line.frame(frame(0), DATA, 0.0)
    line.worker_joined(W1, 2, 0.0)
    assert line.tick(LEASE_S - 0.1) == []
    assert line.tick(LEASE_S + 0.1) == [Suspect(W0), Assign(W1, Picture(frame(0), DATA))]
    assert line.loads() == {W1: (1, 0)}
    assert line.tick(LEASE_S + 0.2) == []


def test_an_answer_renews_the_leases_of_what_the_worker_could_not_look_at_yet() -> None:
    line = ledger(W0, credit=2)
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    line.result(W0, answer(0), LEASE_S - 0.1)
    assert line.tick(LEASE_S + 0.1) == []
    assert Suspect(W0) in line.tick(2 * LEASE_S)


def test_workers_that_hang_together_are_given_nothing_by_each_other_s_end() -> None:
    line = ledger(W0, W1, W2, credit=2)
    for seq in range(3):
        line.frame(frame(seq), DATA, 0.0)
    actions = line.tick(LEASE_S + 0.1)
    assert {a.worker for a in actions if isinstance(a, Suspect)} == {W0, W1, W2}
    assert assigned(actions) == []
    assert line.waiting == 3


def test_a_frame_is_not_given_to_a_worker_that_is_suspected_in_the_same_breath() -> None:
    line = ledger(W0, W1, W2, credit=2)
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    line.frame(frame(2, deadline=1.5), DATA, 0.0)
    line.worker_left(W2, 0.1)  # frame 2 waits for an idle worker, and holds up
    line.frame(frame(3, deadline=9.0), DATA, 0.2)
    actions = line.tick(LEASE_S + 0.1)  # all at once: frame 2 is dead, W0 and W1 hang
    assert assigned(actions) == []
    assert line.waiting == 3


def test_a_frame_that_costs_its_last_attempt_is_failed_with_a_reason() -> None:
    line = ledger(sinks=[LOG])
    line.frame(frame(0), DATA, 0.0)
    for number in range(RULES.attempts):
        name = f"worker-0#{number}"
        assert assigned(line.worker_joined(name, 2, 0.0)) == [(name, 0)]
        actions = line.worker_left(name, 0.0)
    row = outcome(actions)
    assert row.verdict is Verdict.FAILED
    assert row.attempts == RULES.attempts
    assert row.reason == "3 workers died or hung on it"
    assert line.waiting == 0


def test_a_retried_frame_waits_for_an_idle_worker_and_stays_alone_there() -> None:
    line = ledger(W0, W1, credit=2)
    line.frame(frame(0), DATA, 0.0)  # to W0
    line.frame(frame(1), DATA, 0.0)  # to W1
    assert assigned(line.worker_left(W0, 0.1)) == []  # W1 has credit left but is not idle
    assert assigned(line.result(W1, answer(1), 0.2)) == [(W1, 0)]
    assert assigned(line.frame(frame(2), DATA, 0.3)) == []  # not to the side of a suspect frame
    assert assigned(line.result(W1, answer(0), 0.4)) == [(W1, 2)]
    assert assigned(line.frame(frame(3), DATA, 0.5)) == [(W1, 3)]  # the quarantine is over


def test_a_picture_that_kills_workers_drags_no_innocent_with_it() -> None:
    killer = 1
    line = ledger(sinks=[LOG])
    for seq in range(5):
        line.frame(frame(seq), DATA, 0.0)
    verdicts: dict[int, Verdict] = {}
    deaths = 0
    while len(verdicts) < 5:
        assert deaths < 10
        worker = f"worker-0#{deaths}"
        actions = line.worker_joined(worker, 2, 0.0)
        while assigned(actions) and killer not in {seq for _, seq in assigned(actions)}:
            _, seq = assigned(actions)[0]
            actions = actions[1:] + line.result(worker, answer(seq), 0.0)
            verdicts |= {
                a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Deliver)
            }
        actions = line.worker_left(worker, 0.0)
        deaths += 1
        verdicts |= {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Deliver)}
    assert verdicts.pop(killer) is Verdict.FAILED
    assert set(verdicts.values()) == {Verdict.SORTED}
    assert deaths == RULES.attempts + 1


def test_a_worker_that_cannot_answer_decides_the_item_with_its_reason() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0), DATA, 0.0)
    row = outcome(line.refusal(W0, Refusal(0, 0, Verdict.FAILED, "not a JPEG"), 0.1))
    assert (row.verdict, row.reason, row.attempts) == (Verdict.FAILED, "not a JPEG", 1)
    assert line.loads() == {W0: (0, 1)}


def test_a_refusal_returns_the_credit() -> None:
    line = ledger(W0, credit=1)
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    refusal = Refusal(0, 0, Verdict.EXPIRED, "its deadline passed at the worker")
    assert assigned(line.refusal(W0, refusal, 0.1)) == [(W0, 1)]


# -- second answers -------------------------------------------------------------------------------


def hung_and_waiting() -> Ledger:
    """W0 held the frame beyond its lease; no other worker is there."""
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    line.frame(frame(0), DATA, 0.0)
    line.tick(LEASE_S + 0.1)
    assert line.waiting == 1
    return line


def test_a_late_answer_counts_while_the_frame_waits() -> None:
    line = hung_and_waiting()
    row = outcome(line.result(W0, answer(0), 3.0))
    assert (row.worker, row.attempts) == (W0, 1)
    assert line.waiting == 0
    assert line.worker_joined(W1, 2, 3.1) == []


def test_a_late_answer_counts_while_another_worker_holds_the_frame() -> None:
    line = hung_and_waiting()
    line.worker_joined(W1, 2, 3.0)
    assert outcome(line.result(W0, answer(0), 3.1)).worker == W0
    assert line.loads() == {W1: (1, 0)}  # W1 still works on it, and gives its credit back below
    assert line.result(W1, answer(0, metal=0.9), 3.2) == []
    assert line.loads() == {W1: (0, 1)}


def test_the_death_of_a_worker_on_a_frame_that_is_answered_changes_nothing() -> None:
    line = hung_and_waiting()
    line.worker_joined(W1, 2, 3.0)
    line.result(W0, answer(0), 3.1)
    assert line.worker_left(W1, 3.2) == []
    assert line.waiting == 0


def test_a_row_says_when_the_worker_that_answered_was_given_the_frame() -> None:
    line = ledger(W0, credit=1, sinks=[LOG])
    line.frame(frame(0), DATA, 0.25)
    line.frame(frame(1), DATA, 0.5)
    assert outcome(line.result(W0, answer(0), 1.0)).dispatched_ms == 250.0
    assert outcome(line.result(W0, answer(1), 1.5)).dispatched_ms == 1000.0


def test_of_two_workers_that_were_given_a_frame_the_one_that_answered_counts() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0), DATA, 0.5)
    line.tick(0.5 + LEASE_S)
    line.worker_joined(W1, 2, 3.0)
    found = outcome(line.result(W0, answer(0), 3.5))
    assert (found.worker, found.dispatched_ms) == (W0, 500.0)


def test_an_answer_to_a_frame_that_a_dead_dispatcher_gave_out_has_no_moment() -> None:
    line = ledger(W0, credit=1, sinks=[LOG])
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    assert outcome(line.result(W0, answer(1), 0.5)).dispatched_ms is None


def test_without_an_answer_the_last_worker_that_was_given_the_frame_counts() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0, deadline=5.0), DATA, 0.5)
    line.worker_left(W0, 1.0)
    line.worker_joined(W1, 2, 2.0)
    line.worker_left(W1, 3.0)
    assert outcome(line.tick(5.0)).dispatched_ms == 2000.0


def test_a_frame_that_was_given_to_nobody_has_no_moment_of_that() -> None:
    line = ledger(sinks=[LOG])
    line.frame(frame(0, deadline=5.0), DATA, 0.5)
    found = outcome(line.tick(5.0))
    assert (found.published_ms, found.dispatched_ms) == (0.0, None)


def test_a_late_answer_is_ignored_once_the_item_is_decided() -> None:
    line = hung_and_waiting()
    line.worker_joined(W1, 2, 3.0)
    first = outcome(line.result(W1, answer(0), 3.1))
    assert line.result(W0, answer(0, metal=0.9), 3.2) == []
    forwarded = stored(line, LOG, (0, 0))
    assert {a.outcome for a in forwarded if isinstance(a, Deliver)} == {first}


@pytest.mark.parametrize("late", [answer(0), Refusal(0, 0, Verdict.FAILED, "late")])
def test_a_late_word_is_ignored_once_the_item_is_acknowledged(late: Result | Refusal) -> None:
    line = hung_and_waiting()
    line.worker_joined(W1, 2, 3.0)
    line.result(W1, answer(0), 3.1)
    for sink in (LOG, ALERTS, REVIEW):
        stored(line, sink, (0, 0))
    assert line.held == 0
    if isinstance(late, Result):
        assert line.result(W0, late, 3.2) == []
    else:
        assert line.refusal(W0, late, 3.2) == []
    assert line.held == 0


def test_a_late_refusal_does_not_overrule_an_answer() -> None:
    line = hung_and_waiting()
    line.worker_joined(W1, 2, 3.0)
    line.result(W1, answer(0), 3.1)
    assert line.refusal(W0, Refusal(0, 0, Verdict.FAILED, "late"), 3.2) == []


def test_an_answer_to_an_item_that_was_never_a_frame_is_ignored() -> None:
    line = ledger(W0, sinks=[LOG])
    line.unseen([drop(0)])
    assert line.result(W0, answer(0), 0.1) == []


def test_an_answer_for_an_unknown_item_is_ignored() -> None:
    assert ledger(W0, sinks=[LOG]).result(W0, answer(7), 0.1) == []


def test_a_worker_is_not_given_a_frame_that_it_still_holds() -> None:
    # W0 had the frame from an earlier dispatcher; the camera restarts while W1 is still at work.
    line = ledger(W1, sinks=[LOG, ALERTS, REVIEW])
    assert assigned(line.frame(frame(0), DATA, 0.0)) == [(W1, 0)]
    line.result(W0, answer(0), 0.1)
    for sink in (LOG, ALERTS, REVIEW):
        stored(line, sink, (0, 0))
    assert line.frame(frame(0), DATA, 0.2) == []
    assert line.loads() == {W1: (1, 0)}
    assert assigned(line.result(W1, answer(0), 0.3)) == []
