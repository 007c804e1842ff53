"""The ledger and workers that die, hang, refuse, or answer what is not theirs to answer."""

from __future__ import annotations

import pytest

from line.dispatch.actions import Assign, Picture, ShutOut, Suspect, Write
from line.dispatch.ledger import Ledger
from line.messages import Refusal, Result
from line.outcome import Verdict
from tests.ledger_events import (
    DATA,
    LEASE_S,
    RULES,
    W0,
    W1,
    W2,
    answer,
    assigned,
    decided,
    drop,
    frame,
    ledger,
    outcome,
)

# -- workers that die, hang, refuse ---------------------------------------------------------------


def test_the_frames_of_a_dead_worker_go_to_another_and_the_attempts_count() -> None:
    line = ledger(W0, log=True)
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
    line = ledger(log=True)
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
    line = ledger(log=True)
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
            verdicts |= {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Write)}
        actions = line.worker_left(worker, 0.0)
        deaths += 1
        verdicts |= {a.outcome.seq: a.outcome.verdict for a in actions if isinstance(a, Write)}
    assert verdicts.pop(killer) is Verdict.FAILED
    assert set(verdicts.values()) == {Verdict.SORTED}
    assert deaths == RULES.attempts + 1


def test_a_worker_that_cannot_answer_decides_the_item_with_its_reason() -> None:
    line = ledger(W0, log=True)
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


# -- answers that are not the worker's to give ---------------------------------------------------


def hung_and_waiting() -> Ledger:
    """W0 held the frame beyond its lease; no other worker is there."""
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    line.tick(LEASE_S + 0.1)
    assert line.waiting == 1
    return line


@pytest.mark.parametrize("late", [answer(0), Refusal(0, 0, Verdict.FAILED, "late")])
def test_a_worker_whose_lease_has_ended_decides_nothing(late: Result | Refusal) -> None:
    line = hung_and_waiting()
    assert say(line, W0, late, 3.0) == []
    assert line.waiting == 1
    line.worker_joined(W1, 2, 3.1)
    assert say(line, W0, late, 3.2) == []
    assert outcome(line.result(W1, answer(0), 3.3)).worker == W1
    assert say(line, W0, late, 3.4) == []
    line.stored([(0, 0)])
    assert say(line, W0, late, 3.5) == []
    assert line.held == 0


@pytest.mark.parametrize("word", [answer(0), Refusal(0, 0, Verdict.FAILED, "mine")])
def test_a_worker_decides_nothing_that_another_holds(word: Result | Refusal) -> None:
    line = ledger(W0, W1, log=True)
    line.frame(frame(0), DATA, 0.0)
    line.frame(frame(1), DATA, 0.0)
    assert line.loads() == {W0: (1, 0), W1: (1, 0)}
    assert say(line, W1, word, 0.1) == []
    assert line.loads() == {W0: (1, 0), W1: (1, 0)}
    assert outcome(line.result(W0, answer(0), 0.2)).worker == W0


@pytest.mark.parametrize("word", [answer(2), Refusal(0, 2, Verdict.FAILED, "mine")])
def test_a_worker_decides_nothing_that_still_waits(word: Result | Refusal) -> None:
    line = ledger(W0, credit=2, log=True)
    for seq in range(3):
        line.frame(frame(seq), DATA, 0.0)
    assert say(line, W0, word, 0.1) == []
    assert line.waiting == 1


def test_an_answer_counts_once() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0), DATA, 0.0)
    assert outcome(line.result(W0, answer(0), 0.1)).confidence == 0.9
    assert line.result(W0, answer(0, metal=0.9), 0.2) == []
    assert line.loads() == {W0: (0, 1)}


def test_an_answer_to_an_item_that_was_never_a_frame_is_ignored() -> None:
    line = ledger(W0, log=True)
    line.unseen([drop(0)])
    assert line.result(W0, answer(0), 0.1) == []


@pytest.mark.parametrize("name", [W0, W1], ids=["a worker", "a stranger"])
def test_an_answer_for_an_unknown_item_is_ignored(name: str) -> None:
    assert ledger(W0, log=True).result(name, answer(7), 0.1) == []


def test_who_holds_a_frame_and_since_when_can_be_asked() -> None:
    line = ledger(W0, credit=1)
    line.frame(frame(0), DATA, 0.5)
    line.frame(frame(1), DATA, 0.5)
    assert line.held_since(W0, (0, 0)) == 0.5
    assert line.held_since(W0, (0, 1)) is None
    assert line.held_since(W1, (0, 0)) is None
    assert line.held_since(W0, (9, 9)) is None


# -- moments --------------------------------------------------------------------------------------


def test_a_row_says_when_the_worker_that_answered_was_given_the_frame() -> None:
    line = ledger(W0, credit=1, log=True)
    line.frame(frame(0), DATA, 0.25)
    line.frame(frame(1), DATA, 0.5)
    assert outcome(line.result(W0, answer(0), 1.0)).dispatched_ms == 250.0
    assert outcome(line.result(W0, answer(1), 1.5)).dispatched_ms == 1000.0


def test_without_an_answer_the_last_worker_that_was_given_the_frame_counts() -> None:
    line = ledger(W0, log=True)
    line.frame(frame(0, deadline=5.0), DATA, 0.5)
    line.worker_left(W0, 1.0)
    line.worker_joined(W1, 2, 2.0)
    line.worker_left(W1, 3.0)
    assert outcome(line.tick(5.0)).dispatched_ms == 2000.0


def test_a_frame_that_was_given_to_nobody_has_no_moment_of_that() -> None:
    line = ledger(log=True)
    line.frame(frame(0, deadline=5.0), DATA, 0.5)
    found = outcome(line.tick(5.0))
    assert (found.published_ms, found.dispatched_ms) == (0.0, None)


# -- frames that cost workers ---------------------------------------------------------------------


def test_a_suspect_frame_does_not_hold_up_the_others() -> None:
    line = ledger(W0, W1, W2, credit=2, log=True)
    for seq in range(6):
        line.frame(frame(seq), DATA, 0.0)
    line.worker_left(W0, 0.1)  # two suspects, and nobody is idle
    assert line.waiting == 2
    answered = []
    line.frame(frame(6), DATA, 0.2)
    for _ in range(20):  # others come all the time; one worker runs empty for the suspects
        for worker, (holds, _) in line.loads().items():
            if holds:
                seq = next(s for s in range(100) if line.held_since(worker, (0, s)) is not None)
                line.result(worker, answer(seq), 0.3)
                answered.append(seq)
                line.frame(frame(10 + len(answered)), DATA, 0.3)
    assert {0, 1, 2, 3, 4, 5, 6} <= set(answered)
    assert len(answered) > 20, "the others went on"


def test_with_one_worker_a_suspect_frame_waits_for_what_it_holds_and_no_longer() -> None:
    line = ledger(W0, credit=2, log=True)
    line.frame(frame(0), DATA, 0.0)
    line.worker_left(W0, 0.1)
    line.frame(frame(1, deadline=9.0), DATA, 0.2)
    assert assigned(line.worker_joined(W1, 2, 0.3)) == [(W1, 1)]  # more urgent, so it goes first
    assert assigned(line.frame(frame(2), DATA, 0.4)) == []  # the worker is to be idle next
    assert assigned(line.result(W1, answer(1), 0.5)) == [(W1, 0)]
    assert assigned(line.result(W1, answer(0), 0.6)) == [(W1, 2)]


def test_a_suspect_frame_is_not_given_again_to_whom_it_was_charged_while_there_are_others() -> None:
    line = ledger(log=True)
    line.worker_joined("press#1", 2, 0.0, owner="press")
    line.frame(frame(0), DATA, 0.0)
    line.worker_left("press#1", 0.1)
    line.worker_joined(W0, 1, 0.2)
    line.frame(frame(1, deadline=9.0), DATA, 0.2)
    line.worker_joined("press#2", 2, 0.3, owner="press")
    assert line.held_since("press#2", (0, 0)) is None
    line.result(W0, answer(0), 0.4)
    assert line.held == 2


def test_a_suspect_frame_does_not_hold_up_another_that_has_an_idle_worker() -> None:
    line = ledger(log=True)
    line.worker_joined("press#1", 1, 0.0, owner="press")
    line.frame(frame(0), DATA, 0.0)
    line.worker_joined(W0, 1, 0.0)
    line.frame(frame(1), DATA, 0.0)
    line.worker_left("press#1", 0.1)
    line.worker_left(W0, 0.1)
    line.frame(frame(2, deadline=9.0), DATA, 0.2)
    assert assigned(line.worker_joined(W1, 1, 0.3)) == [(W1, 2)]  # the most urgent
    joined = line.worker_joined("press#2", 1, 0.4, owner="press")
    assert assigned(joined) == [("press#2", 1)], "the first one waits, for it is not to be press"
    assert assigned(line.result(W1, answer(2), 0.5)) == [(W1, 0)]


def test_one_owner_cannot_spend_the_attempts_of_an_item_by_coming_and_going() -> None:
    line = ledger(log=True)
    for seq in range(3):
        line.frame(frame(seq), DATA, 0.0)
    rows = {}
    for number in range(2):
        name = f"press#{number}"
        line.worker_joined(name, 3, 0.0, owner="press")
        rows |= decided(line.worker_left(name, 0.0))
    assert rows == {}
    line.worker_joined(W0, 3, 0.1)
    for _ in range(3):
        seq = next(s for s in range(3) if line.held_since(W0, (0, s)) is not None)
        rows |= decided(line.result(W0, answer(seq), 0.2))
    assert rows == dict.fromkeys(range(3), Verdict.SORTED)


def test_an_item_on_which_one_owner_dies_alone_again_and_again_is_failed_all_the_same() -> None:
    line = ledger(log=True)
    line.frame(frame(0), DATA, 0.0)
    rows = {}
    for number in range(RULES.attempts + 1):  # the first time it was not alone
        line.worker_joined(f"press#{number}", 2, 0.0, owner="press")
        rows |= decided(line.worker_left(f"press#{number}", 0.0))
    assert rows == {0: Verdict.FAILED}


def test_an_owner_that_leaves_once_with_many_items_has_cost_once() -> None:
    line = ledger(log=True)
    found: list[ShutOut] = []
    for number in range(3):
        seqs = range(number * 8, number * 8 + 8)
        name = f"press#{number}"
        line.worker_joined(name, 8, 0.0, owner="press")
        for seq in seqs:
            line.frame(frame(seq), DATA, 0.0)
        line.worker_left(name, 0.1)
        line.worker_joined(W0, 8, 0.2)
        for seq in seqs:
            actions = line.result(W0, answer(seq), 0.3)
            found += [action for action in actions if isinstance(action, ShutOut)]
        line.worker_left(W0, 0.4)
        assert found == [ShutOut("press")] * (number == 2)


def test_an_owner_that_leaves_three_times_with_items_which_others_answer_is_shut_out() -> None:
    line = ledger(log=True)
    found: list[ShutOut] = []
    for seq in range(3):
        line.worker_joined(f"press#{seq}", 1, 0.0, owner="press")
        line.frame(frame(seq), DATA, 0.0)
        line.worker_left(f"press#{seq}", 0.1)
        line.worker_joined(W0, 1, 0.2)
        actions = line.result(W0, answer(seq), 0.3)
        line.worker_left(W0, 0.4)
        found += [action for action in actions if isinstance(action, ShutOut)]
        assert len(found) == (seq == 2)
    assert found == [ShutOut("press")]


def test_an_owner_that_answers_is_forgiven_what_it_cost() -> None:
    line = ledger(log=True)
    found: list[ShutOut] = []
    for seq in range(1, 1001):
        name = f"press#{seq}"
        line.worker_joined(name, 1, 0.0, owner="press")
        line.frame(frame(seq), DATA, 0.0)
        actions = []
        if seq % 200 == 0:  # its wire breaks
            line.worker_left(name, 0.1)
            line.worker_joined(W0, 1, 0.2)
            actions = line.result(W0, answer(seq), 0.3)
            line.worker_left(W0, 0.4)
        else:
            actions = line.result(name, answer(seq), 0.1)
            line.worker_left(name, 0.2)
        found += [action for action in actions if isinstance(action, ShutOut)]
        line.stored([(0, seq)])
    assert found == []


def test_a_process_of_this_machine_is_never_shut_out() -> None:
    line = ledger(log=True)
    for seq in range(20):
        name = f"worker-0#{seq}"
        line.worker_joined(name, 1, 0.0)
        line.frame(frame(seq), DATA, 0.0)
        line.worker_left(name, 0.1)
        line.worker_joined(W1, 1, 0.2)
        actions = line.result(W1, answer(seq), 0.3)
        line.worker_left(W1, 0.4)
        assert not any(isinstance(action, ShutOut) for action in actions)
    assert line._costs._costs == {}


def say(line: Ledger, worker: str, word: Result | Refusal, now: float) -> list[object]:
    if isinstance(word, Result):
        return [*line.result(worker, word, now)]
    return [*line.refusal(worker, word, now)]
