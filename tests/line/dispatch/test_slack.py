"""Batches by slack, worked out by hand: a batch of n takes 8 ms + n · 1 ms."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from line.dispatch.actions import Assign
from line.dispatch.batch_times import fitted
from line.dispatch.ledger import Ledger
from line.messages import BatchTimes
from tests.ledger_events import DATA, JUDGE, RULES, W0, W1, answer, frame

TIMES = BatchTimes(base_s=0.008, picture_s=0.001, largest=16)
FAR = 1000.0
"""A deadline that matters to nobody."""
END_S = 0.00901
"""After that a batch of one is done."""


def batches(actions) -> list[tuple[str, list[int]]]:
    """(worker, sequences) of each batch that is given out."""
    found: list[tuple[str, list[int]]] = []
    sequences: list[int] = []
    for action in actions:
        if isinstance(action, Assign):
            sequences.append(action.picture.frame.seq)
            if action.ends_batch:
                found.append((action.worker, sequences))
                sequences = []
    assert not sequences, "a batch without an end"
    return found


class Line:
    """A ledger with workers whose batches take exactly as long as they said."""

    def __init__(self, *workers: str) -> None:
        self.ledger = Ledger(RULES, JUDGE)
        self.now = 10.0
        self.seq = 0
        for worker in workers:
            self.ledger.worker_joined(worker, 2, self.now, batches=TIMES)

    def frames(self, count: int, deadline: float = FAR) -> list[tuple[str, list[int]]]:
        actions = []
        for _ in range(count):
            made = frame(self.seq, deadline=deadline)
            actions += self.ledger.frame(made, DATA, self.now)
            self.seq += 1
        return batches(actions)

    def done(self, worker: str, *sequences: int) -> list[tuple[str, list[int]]]:
        """The worker answers a batch; what is given out then."""
        actions = []
        for seq in sequences:
            actions += self.ledger.result(worker, answer(seq), self.now)
        return batches(actions)

    def at(self, now: float) -> list[tuple[str, list[int]]]:
        self.now = now
        return batches(self.ledger.tick(now))

    def waiting(self, count: int, left_s: float, worker: str = W0) -> list[tuple[str, list[int]]]:
        """As many frames have waited until they have `left_s`; given out as the worker comes."""
        self.ledger.worker_joined(worker, 0, self.now, batches=TIMES)
        assert self.frames(count, self.now + 10) == []
        self.now += 10 - left_s
        return batches(self.ledger.worker_joined(worker, 2, self.now, batches=TIMES))

    def practise(self, worker: str = W0) -> None:
        """Enough batches for the ledger to trust what the worker said: of 16 as well.

        Each waits behind a single frame, and ends before the next ones come.
        """
        for size in (1, 2, 4, 8, *(16,) * 40):
            first = self.seq
            self.frames(1 + size)
            self.now += END_S
            given = self.done(worker, first)
            rest = list(range(first + 1, first + 1 + size))
            assert given == [(worker, rest)]
            self.now += TIMES.seconds(size)
            assert self.done(worker, *rest) == []
            self.now += 1.0


def test_one_waits_for_nobody_and_those_behind_it_go_together() -> None:
    line = Line(W0)
    line.practise()
    seq = line.seq
    assert line.frames(5) == [(W0, [seq])]
    line.now += END_S
    assert line.done(W0, seq) == [(W0, [seq + 1, seq + 2, seq + 3, seq + 4])]


@pytest.mark.parametrize(
    ("left_ms", "size"),
    [(25, 16), (24.5, 16), (23.9, 15), (12.5, 4), (10.5, 2), (9.5, 1)],
)
def test_a_batch_is_as_large_as_its_most_urgent_frame_allows(left_ms: float, size: int) -> None:
    """16 frames take 24 ms."""
    line = Line(W0)
    line.practise()
    seq = line.seq
    assert line.waiting(16, left_ms / 1000) == [(W0, list(range(seq, seq + size)))]


def test_of_frames_that_are_all_too_late_the_last_one_is_tried() -> None:
    line = Line(W0)
    line.practise()
    seq = line.seq
    assert line.waiting(3, 0.008) == [(W0, [seq + 2])]


def test_the_next_batch_is_given_shortly_before_the_work_should_end() -> None:
    """9 ms of work; a quarter of that before its end, but no sooner: what comes goes along."""
    line = Line(W0)
    line.practise()
    seq, began = line.seq, line.now
    line.frames(3)
    assert line.ledger.next_tick() == pytest.approx(began + 0.009 - 0.00225, abs=1e-5)
    assert line.at(began + 0.005) == []
    line.frames(1)
    assert line.at(began + 0.0068) == [(W0, [seq + 1, seq + 2, seq + 3])]
    assert line.frames(1) == []  # a batch in work, and one at hand
    assert line.ledger.next_tick() > began + 1


def test_what_is_given_before_the_work_ends_is_counted_from_its_end() -> None:
    """16 frames take 24 ms. After 21.2 ms one that has 13 ms left has 10.2 of its own: for two."""
    line = Line(W0)
    line.practise()
    seq, began = line.seq + 16, line.now + 5.0
    line.waiting(16, 5.0)
    line.frames(4, deadline=began + 0.0342)
    assert line.at(began + 0.0212) == [(W0, [seq, seq + 1])]


def test_a_worker_proves_what_it_said_step_by_step() -> None:
    line = Line(W0)
    given = line.frames(40)
    sizes = []
    while given:
        ((worker, sequences),) = given
        sizes.append(len(sequences))
        line.now += TIMES.seconds(len(sequences))
        given = line.done(worker, *sequences)
    assert sizes == [1, 2, 4, 8, 16, 9]


@pytest.mark.parametrize(("factors", "size"), [((3,), 4), ((3, 1), 16)])
def test_a_worker_that_became_slow_is_given_smaller_batches_until_it_is_quick_again(
    factors: tuple[int, ...], size: int
) -> None:
    """38 ms, three times as slow: 12.7 ms of its own, a little of it a margin."""
    line = Line(W0)
    line.practise()
    for factor in factors:
        for _ in range(40):
            line.frames(1)
            line.now += factor * TIMES.seconds(1)
            line.done(W0, line.seq - 1)
    ((_, batch),) = line.waiting(16, 0.038)
    assert len(batch) == size


def test_where_frames_have_little_time_from_the_first_a_batch_takes_half_of_it() -> None:
    """26 ms: one that comes when a batch has begun waits 13 ms, and then is in one of 13 ms."""
    line = Line(W0)
    line.practise()
    seq = line.seq
    line.frames(1, line.now + 0.0262)
    line.now += END_S
    line.frames(16, line.now + 0.0262)
    assert [len(batch) for _, batch in line.done(W0, seq)] == [5]


def test_a_frame_that_cost_a_worker_goes_alone_and_is_a_batch() -> None:
    line = Line(W0)
    line.practise()
    seq = line.seq
    line.frames(1)
    line.now += END_S
    line.frames(3)
    assert line.done(W0, seq) == [(W0, [seq + 1, seq + 2, seq + 3])]
    line.ledger.worker_joined(W1, 2, line.now, batches=TIMES)
    assert batches(line.ledger.worker_left(W0, line.now)) == [(W1, [seq + 1])]
    line.now += END_S
    assert line.done(W1, seq + 1) == [(W1, [seq + 2])]


def test_pictures_of_another_size_are_another_batch() -> None:
    line = Line(W0)
    line.practise()
    seq = line.seq
    line.frames(1)
    for number in range(1, 5):
        made = frame(seq + number, deadline=FAR)
        line.ledger.frame(replace(made, width_px=1 + number // 3), DATA, line.now)
    line.now += END_S
    assert line.done(W0, seq) == [(W0, [seq + 1, seq + 2])]


def test_without_a_deadline_and_with_one_that_wants_to_leave() -> None:
    line = Line(W0)
    line.practise()
    seq = line.seq
    line.frames(1, math.inf)
    line.now += END_S
    line.frames(20, math.inf)
    given = line.done(W0, seq)
    assert [len(batch) for _, batch in given] == [16]
    line.ledger.worker_joined(W0, 0, line.now, batches=TIMES)
    line.now += 0.024
    assert line.done(W0, *given[0][1]) == []
    assert (line.ledger.waiting, line.ledger.next_tick()) == (4, math.inf)


@pytest.mark.parametrize(
    ("times_ms", "found"),
    [
        ({1: 9, 4: 12, 16: 24}, (8, 1, 16)),
        ({1: 33, 4: 42}, (30, 3, 16)),
        ({1: 44, 2: 52, 4: 68}, (36, 8, 8)),  # of no more than a tenth of a second
        ({1: 6, 4: 24, 8: 48}, None),
        ({1: 6, 4: 18, 8: 34}, None),  # two thirds: hardly worth it
        ({1: 0.05, 4: 0.06}, None),  # nothing to gain
        ({1: 95, 4: 120}, None),
        ({4: 12}, None),
    ],
)
def test_who_gains_by_batches(times_ms, found) -> None:
    times = fitted({size: ms / 1000 for size, ms in times_ms.items()})
    if found is None:
        assert times is None
    else:
        assert times is not None
        ms = (1000 * times.base_s, 1000 * times.picture_s, times.largest)
        assert ms == pytest.approx(found)
