"""The ledger's decisions, case by case: events in, the exact list of actions out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from line.actions import (
    Acknowledge,
    Action,
    Announce,
    Assign,
    Deliver,
    NoticeDone,
    Picture,
    Suspect,
)
from line.ledger import Ledger, Rules
from line.messages import (
    Frame,
    Key,
    Notice,
    Refusal,
    Result,
    Unseen,
)
from line.outcome import Outcome, Verdict
from line.verdicts import Judge

LOG, ALERTS, REVIEW = "csv_log", "alerts", "active_learning"
W0, W1, W2 = "worker-0#1", "worker-1#1", "worker-2#1"
JUDGE = Judge(classes=("glass", "metal"), residue_class="", threshold=0.6)
LEASE_S = 2.0
RULES = Rules(
    lease_s=LEASE_S,
    attempts=3,
    log=LOG,
    followers=(ALERTS, REVIEW),
    review=REVIEW,
    notices=ALERTS,
)
DATA = b"abc"


def frame(seq: int, *, deadline: float = math.inf, camera: int = 0) -> Frame:
    return Frame(camera, seq, float(seq), 0.0, 0.0, deadline, "glass", 210.0, "raw", 1, 1, 0)


def answer(seq: int, *, camera: int = 0, metal: float = 0.1) -> Result:
    return Result(camera, seq, (1 - metal, metal), 0.0, 0.01, "0123456789ab")


def drop(seq: int, *, camera: int = 0) -> Unseen:
    return Unseen(camera, seq, float(seq), "glass", 210.0, Verdict.DROPPED, "overrun")


def ledger(
    *workers: str, credit: int = 2, sinks: Iterable[str] = (), rules: Rules = RULES
) -> Ledger:
    made = Ledger(rules, JUDGE)
    for worker in workers:
        made.worker_joined(worker, credit, 0.0)
    for sink in sinks:
        made.sink_joined(sink, 64)
    return made


def assigned(actions: Iterable[Action]) -> list[tuple[str, int]]:
    """(worker, sequence) of each assignment."""
    return [(a.worker, a.picture.frame.seq) for a in actions if isinstance(a, Assign)]


def delivered(actions: Iterable[Action]) -> list[tuple[str, int]]:
    """(sink, sequence) of each delivery."""
    return [(a.sink, a.outcome.seq) for a in actions if isinstance(a, Deliver)]


def decided(actions: Iterable[Action]) -> dict[int, Verdict]:
    """Sequence → verdict of each delivery."""
    return {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Deliver)}


def outcome(actions: Iterable[Action]) -> Outcome:
    """The outcome of the only delivery."""
    (delivery,) = [a for a in actions if isinstance(a, Deliver)]
    return delivery.outcome


def stored(on: Ledger, sink: str, *keys: Key, truth: Iterable[Outcome] = ()) -> list[Action]:
    return on.stored(sink, keys, truth)


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
    line = ledger(W0, sinks=[LOG])
    actions = line.frame(frame(0, deadline=1.0), DATA, 1.5)
    assert assigned(actions) == []
    row = outcome(actions)
    assert (row.verdict, row.attempts) == (Verdict.EXPIRED, 0)
    assert row.reason


def test_a_frame_that_dies_waiting_is_never_assigned() -> None:
    line = ledger(sinks=[LOG])
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    line.frame(frame(1, deadline=9.0), DATA, 0.0)
    actions = line.worker_joined(W0, 2, 1.5)
    assert outcome(actions).seq == 0
    assert assigned(actions) == [(W0, 1)]


def test_a_frame_that_dies_waiting_is_decided_by_the_clock_alone() -> None:
    line = ledger(sinks=[LOG])
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    assert line.tick(0.9) == []
    assert outcome(line.tick(1.1)).verdict is Verdict.EXPIRED
    assert line.waiting == 0
    assert line.tick(1.2) == []


def test_a_frame_whose_worker_dies_after_the_deadline_is_not_given_to_another() -> None:
    line = ledger(W0, W1, sinks=[LOG])
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    actions = line.worker_left(W0, 1.5)
    assert assigned(actions) == []
    row = outcome(actions)
    assert (row.verdict, row.attempts) == (Verdict.EXPIRED, 1)


def test_an_answer_after_the_deadline_is_late() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0, deadline=1.0), DATA, 0.0)
    assert outcome(line.result(W0, answer(0), 1.25)).verdict is Verdict.LATE


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


# -- items without frames -------------------------------------------------------------------------


def test_an_unseen_item_is_decided_at_once() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    row = outcome(line.unseen([drop(3, camera=1)]))
    assert (row.camera, row.seq, row.verdict, row.reason) == (1, 3, Verdict.DROPPED, "overrun")
    assert delivered(stored(line, LOG, (1, 3))) == [(ALERTS, 3)]
    assert stored(line, ALERTS, (1, 3)) == [Acknowledge(1, 3)]


def test_a_repeated_range_only_tells_what_is_new() -> None:
    line = ledger(sinks=[LOG])
    line.unseen([drop(0), drop(1)])
    assert delivered(line.unseen([drop(0), drop(1), drop(2)])) == [(LOG, 2)]


def test_a_frame_does_not_become_unseen_nor_an_unseen_item_a_frame() -> None:
    line = ledger(W0, sinks=[LOG])
    line.frame(frame(0), DATA, 0.0)
    assert line.unseen([drop(0)]) == []
    line.unseen([drop(1)])
    assert line.frame(frame(1), DATA, 0.0) == []


# -- notices --------------------------------------------------------------------------------------

NOTICE = Notice("restart-worker-0#1", "restart", "worker-0 killed by SIGKILL, restarted")


def test_a_notice_is_repeated_until_the_alerts_sink_has_stored_it() -> None:
    line = ledger()
    assert line.notice(NOTICE) == []
    assert line.sink_joined(ALERTS, 64) == [Announce(ALERTS, NOTICE)]
    line.sink_left(ALERTS)
    assert line.sink_joined(ALERTS, 64) == [Announce(ALERTS, NOTICE)]
    assert line.notice_stored(NOTICE.id) == [NoticeDone(NOTICE.id)]
    assert line.notice_stored(NOTICE.id) == []
    assert line.sink_joined(ALERTS, 64) == []


def test_a_notice_goes_out_at_once_while_the_alerts_sink_is_there() -> None:
    line = ledger(sinks=[LOG, ALERTS])
    assert line.notice(NOTICE) == [Announce(ALERTS, NOTICE)]


def test_notices_are_for_the_alerts_sink_alone() -> None:
    line = ledger()
    line.notice(NOTICE)
    assert line.sink_joined(LOG, 64) == line.sink_joined(REVIEW, 64) == []


# -- time -----------------------------------------------------------------------------------------


def test_nothing_is_due_while_nothing_waits_for_time() -> None:
    line = ledger(W0, sinks=[LOG])
    assert line.next_tick() is None
    line.frame(frame(0), DATA, 0.0)
    line.result(W0, answer(0), 0.1)
    assert line.next_tick() is None


def test_a_frame_without_deadline_makes_nothing_due() -> None:
    line = ledger()
    line.frame(frame(0), DATA, 0.0)
    assert line.next_tick() is None


def test_the_next_tick_is_the_first_deadline_or_the_first_end_of_a_lease() -> None:
    line = ledger(W0, credit=1)
    line.frame(frame(0, deadline=9.0), DATA, 0.5)
    assert line.next_tick() == 0.5 + LEASE_S
    line.frame(frame(1, deadline=8.0), DATA, 0.6)
    line.frame(frame(2, deadline=1.5), DATA, 0.7)
    assert line.next_tick() == 1.5


def test_a_tick_at_the_very_moment_of_a_deadline_has_something_to_do() -> None:
    # In virtual time no moment lies between this one and the next: doing nothing would never end.
    line = ledger(sinks=[LOG])
    line.frame(frame(0, deadline=1.5), DATA, 0.0)
    assert line.next_tick() == 1.5
    line.tick(1.5)
    assert line.next_tick() is None


def test_a_tick_at_the_very_end_of_a_lease_has_something_to_do() -> None:
    line = ledger(W0)
    line.frame(frame(0), DATA, 0.0)
    assert line.next_tick() == LEASE_S
    assert line.tick(LEASE_S) == [Suspect(W0)]
    assert line.next_tick() is None


def test_nothing_is_remembered_of_an_acknowledged_item() -> None:
    line = ledger(W0, sinks=[LOG, ALERTS, REVIEW])
    for round_ in range(3):  # the same items again, as from a camera that restarted
        for seq in range(20):
            line.frame(frame(seq, deadline=1e6 - seq), DATA, float(round_))
        for seq in reversed(range(20)):
            line.result(W0, answer(seq), float(round_))
        for sink in (LOG, ALERTS, REVIEW):
            stored(line, sink, *((0, seq) for seq in range(20)))
        assert (line.held, line.waiting) == (0, 0)
        assert [line._deliveries.backlog(sink) for sink in (LOG, ALERTS, REVIEW)] == [0, 0, 0]
    assert line.loads()[W0][0] == 0
