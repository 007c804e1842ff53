from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from line.sequence_set import SeqSet


def test_a_new_set_holds_what_lies_below_its_start() -> None:
    known = SeqSet(3)
    assert [seq in known for seq in range(5)] == [True, True, True, False, False]
    assert known.low == 3
    assert len(known) == 3


def test_adding_says_whether_the_number_was_new() -> None:
    known = SeqSet()
    assert [known.add(seq) for seq in (0, 0, 2, 2, 1, 1)] == [True, False] * 3


def test_a_gap_holds_the_low_mark_back_until_it_is_filled() -> None:
    known = SeqSet()
    known.update([1, 2, 4])
    assert known.low == 0
    known.add(0)
    assert known.low == 3
    known.add(3)
    assert known.low == 5


@given(start=st.integers(0, 5), seqs=st.lists(st.integers(0, 40), max_size=60))
def test_it_behaves_like_a_plain_set(start: int, seqs: list[int]) -> None:
    known, plain = SeqSet(start), set(range(start))
    for seq in seqs:
        assert known.add(seq) == (seq not in plain)
        plain.add(seq)
        assert len(known) == len(plain)
        assert known.low == next(n for n in range(60) if n not in plain)
    assert {seq for seq in range(60) if seq in known} == plain


@given(st.permutations(range(64)))
def test_numbers_that_arrive_without_a_gap_leave_nothing_in_memory(order: list[int]) -> None:
    known = SeqSet()
    known.update(order)
    assert known.low == 64
    assert not known.runs


@given(st.lists(st.integers(0, 40), max_size=80))
def test_what_lies_above_the_gap_is_kept_in_runs(seqs):
    kept = SeqSet()
    kept.update(seqs)
    above = {number for begin, end in kept.runs for number in range(begin, end)}
    assert above == {seq for seq in seqs if seq > kept.low}
    assert all(
        begin < end and (number == 0 or kept.runs[number - 1][1] < begin)
        for number, (begin, end) in enumerate(kept.runs)
    )


def test_a_long_run_behind_one_missing_number_takes_no_room():
    kept = SeqSet()
    kept.update(range(1, 50_000))
    assert (kept.low, kept.runs) == (0, [(1, 50_000)])
    kept.add(0)
    assert (kept.low, kept.runs) == (50_000, [])
