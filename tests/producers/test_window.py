from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from line.messages import (
    Frame,
    Unseen,
    UnseenItems,
)
from line.outcome import Verdict
from producers.belt import BeltItem
from producers.feed import FeedMark
from producers.window import MOST_RUNS, RANGE_ITEMS, Window


def frame(seq: int) -> Frame:
    return Frame(
        camera=0,
        seq=seq,
        scheduled_s=seq / 8,
        triggered=seq / 8,
        published=seq / 8,
        deadline=seq / 8 + 0.75,
        true_class="glass",
        mass_g=210.0,
        encoding="raw",
        height_px=1,
        width_px=1,
        picture_crc32=0,
    )


def item(seq: int) -> BeltItem:
    return BeltItem(seq, seq / 8 - 0.5, seq / 8, seq / 8 - 1)


def items_since(mark: FeedMark) -> Iterator[BeltItem]:
    assert mark == item(mark.seq).mark
    return map(item, count(mark.seq))


def dropped(passed: BeltItem, reason: str) -> Unseen:
    return Unseen(0, passed.seq, passed.trigger_s, "glass", 210.0, Verdict.DROPPED, reason)


def window_of(size: int) -> Window:
    return Window(size, items_since, dropped)


def drop(window: Window, seq: int, reason: str = "overrun") -> None:
    window.add_dropped(item(seq), reason)


def failed(seq: int) -> Unseen:
    return replace(dropped(item(seq), "not a picture"), verdict=Verdict.FAILED)


def seqs(items: UnseenItems | None) -> list[int]:
    return [] if items is None else [item.seq for item in items.items]


def sent_again(window: Window) -> tuple[list[int], list[int]]:
    """Sequence numbers of the frames and of the unseen items a new dispatcher is told of."""
    frames, items = window.everything_sent()
    return [kept.seq for kept, _ in frames], seqs(items)


def test_room_shrinks_with_every_frame_and_grows_with_every_acknowledgement():
    window = window_of(3)
    window.add_frame(frame(0), b"a")
    window.add_frame(frame(1), b"b")
    assert (window.room, window.frames) == (1, 2)

    window.acknowledge([0])

    assert (window.room, window.frames) == (2, 1)


def test_a_frame_is_kept_with_its_bytes_until_it_is_acknowledged():
    window = window_of(3)
    for seq, data in ((4, b"four"), (5, b"five")):
        window.add_frame(frame(seq), data)
    window.acknowledge([4])

    frames, items = window.everything_sent()

    assert frames == [(frame(5), b"five")]
    assert items is None


def test_dropped_items_take_no_room():
    window = window_of(2)
    for seq in range(1000):
        drop(window, seq)

    assert window.room == 2


def test_acknowledging_what_is_not_there_changes_nothing():
    window = window_of(2)
    window.add_frame(frame(0), b"a")

    window.acknowledge([7, 8])

    assert (window.room, sent_again(window)) == (1, ([0], []))


def test_a_window_is_empty_when_frames_and_ranges_are_acknowledged():
    window = window_of(2)
    assert not window
    window.add_frame(frame(0), b"a")
    drop(window, 1)
    window.next_range()

    window.acknowledge([0])
    assert window, "a range is under way"
    window.acknowledge([1])

    assert not window


def test_an_item_that_waits_for_its_range_counts_as_unacknowledged():
    window = window_of(2)
    drop(window, 0)

    assert window
    assert window.has_range


def test_one_range_is_under_way_at_a_time():
    window = window_of(2)
    drop(window, 0)
    drop(window, 1)
    assert seqs(window.next_range()) == [0, 1]

    drop(window, 2)
    window.acknowledge([0])

    assert not window.has_range
    assert window.next_range() is None
    window.acknowledge([1])
    assert seqs(window.next_range()) == [2]


def test_a_long_run_of_unseen_items_travels_in_ranges_of_limited_length():
    window = window_of(1)
    for seq in range(RANGE_ITEMS + 3):
        drop(window, seq)

    first = seqs(window.next_range())
    window.acknowledge(first)
    second = seqs(window.next_range())

    assert first == list(range(RANGE_ITEMS))
    assert second == [RANGE_ITEMS, RANGE_ITEMS + 1, RANGE_ITEMS + 2]


def test_without_unseen_items_there_is_no_range():
    window = window_of(1)

    assert not window.has_range
    assert window.next_range() is None


def test_a_new_dispatcher_is_told_what_was_sent_and_not_acknowledged_in_order():
    window = window_of(8)
    for seq in (0, 1, 4):
        window.add_frame(frame(seq), b"")
    for seq in (2, 3):
        drop(window, seq)
    window.next_range()
    drop(window, 5)

    assert sent_again(window) == ([0, 1, 4], [2, 3])
    window.acknowledge([0, 3])
    assert sent_again(window) == ([1, 4], [2])


def test_being_told_again_does_not_free_anything():
    window = window_of(2)
    window.add_frame(frame(0), b"a")

    window.everything_sent()

    assert (window.room, sent_again(window)) == (1, ([0], []))


@given(
    seen=st.lists(st.booleans(), max_size=60),
    answers=st.lists(st.integers(0, 70), max_size=120),
)
def test_nothing_is_forgotten_before_it_is_acknowledged(seen, answers):
    window = window_of(len(seen) or 1)
    for seq, is_frame in enumerate(seen):
        if is_frame:
            window.add_frame(frame(seq), b"")
        else:
            drop(window, seq)
    window.next_range()

    for number, answer in enumerate(answers, 1):
        window.acknowledge([answer])
        frames, ranges = sent_again(window)
        assert set(frames) | set(ranges) == set(range(len(seen))) - set(answers[:number])


def test_the_oldest_is_the_first_trigger_that_is_not_acknowledged():
    window = window_of(8)
    assert window.oldest_s == math.inf
    drop(window, 3)
    window.next_range()
    drop(window, 4)
    assert window.oldest_s == 3 / 8
    window.add_frame(frame(1), b"")
    assert window.oldest_s == 1 / 8

    window.acknowledge([1, 3])

    assert window.oldest_s == 4 / 8


def test_a_failed_item_takes_the_room_of_a_frame_until_it_is_acknowledged():
    window = window_of(2)
    window.add_failed(failed(0))
    window.add_failed(failed(1))
    assert window.room == 0
    assert seqs(window.next_range()) == [0, 1]
    assert window.room == 0

    window.acknowledge([0, 1])

    assert (window.room, bool(window)) == (2, False)


def test_a_failed_item_whose_row_stands_already_is_not_sent():
    window = window_of(2)
    window.add_failed(failed(0))
    window.acknowledge([0])
    assert window.next_range() is None
    assert not window


def drained(window: Window) -> list[Unseen]:
    told: list[Unseen] = []
    while (unseen := window.next_range()) is not None:
        assert len(unseen.items) <= RANGE_ITEMS
        told += unseen.items
        window.acknowledge([each.seq for each in unseen.items])
    return told


def test_many_drops_in_a_row_take_the_room_of_one_and_none_is_lost():
    window = window_of(1)
    for seq in range(200_000):
        window.add_dropped(item(seq), "overrun" if seq < 199_000 else "the camera was down")
    assert len(window._runs) == 2
    assert window.oldest_s == 0.0

    told = drained(window)

    assert [each.seq for each in told] == list(range(200_000))
    assert all(each.scheduled_s == each.seq / 8 for each in told)
    assert {each.reason for each in told[:199_000]} == {"overrun"}
    assert {each.reason for each in told[199_000:]} == {"the camera was down"}


def test_drops_between_frames_stay_bounded_because_no_more_frames_are_taken():
    """A log that writes now and then: each frame that leaves makes room for one that splits."""
    window, sent = window_of(4), []
    for seq in range(100_000):
        if window.room and seq % 2:
            window.add_frame(frame(seq), b"")
            sent.append(seq)
            window.acknowledge(sent[:-2])
        else:
            drop(window, seq)
    assert len(window._runs) <= MOST_RUNS
    assert window.room == 0
    assert sys.getsizeof(window._runs) < 20_000

    told = [each.seq for each in drained(window)]

    assert sorted(told + sent) == list(range(100_000))
    assert window.room > 0


@given(st.lists(st.sampled_from(["frame", "failed", "overrun", "down"]), max_size=700))
def test_whatever_passes_unseen_is_told_once_as_it_was(kinds):
    window, expected = window_of(2000), {}
    for seq, kind in enumerate(kinds):
        if kind == "frame":
            window.add_frame(frame(seq), b"")
        elif kind == "failed":
            window.add_failed(failed(seq))
            expected[seq] = failed(seq)
        else:
            drop(window, seq, kind)
            expected[seq] = dropped(item(seq), kind)
    told = drained(window)
    assert {each.seq: each for each in told} == expected
    assert len(told) == len(expected)
