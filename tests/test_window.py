from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from line.messages import (
    Frame,
    Unseen,
    UnseenItems,
)
from line.outcome import Verdict
from producers.window import RANGE_ITEMS, Window


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


def unseen(seq: int) -> Unseen:
    return Unseen(0, seq, seq / 8, "glass", 210.0, Verdict.DROPPED, "overrun")


def seqs(items: UnseenItems | None) -> list[int]:
    return [] if items is None else [item.seq for item in items.items]


def sent_again(window: Window) -> tuple[list[int], list[int]]:
    """Sequence numbers of the frames and of the unseen items a new dispatcher is told of."""
    frames, items = window.everything_sent()
    return [kept.seq for kept, _ in frames], seqs(items)


def test_room_shrinks_with_every_frame_and_grows_with_every_acknowledgement():
    window = Window(3)
    window.add_frame(frame(0), b"a")
    window.add_frame(frame(1), b"b")
    assert (window.room, window.frames) == (1, 2)

    window.acknowledge([0])

    assert (window.room, window.frames) == (2, 1)


def test_a_frame_is_kept_with_its_bytes_until_it_is_acknowledged():
    window = Window(3)
    for seq, data in ((4, b"four"), (5, b"five")):
        window.add_frame(frame(seq), data)
    window.acknowledge([4])

    frames, items = window.everything_sent()

    assert frames == [(frame(5), b"five")]
    assert items is None


def test_unseen_items_take_no_room():
    window = Window(2)
    for seq in range(1000):
        window.add_unseen(unseen(seq))

    assert window.room == 2


def test_acknowledging_what_is_not_there_changes_nothing():
    window = Window(2)
    window.add_frame(frame(0), b"a")

    window.acknowledge([7, 8])

    assert (window.room, sent_again(window)) == (1, ([0], []))


def test_a_window_is_empty_when_frames_and_ranges_are_acknowledged():
    window = Window(2)
    assert not window
    window.add_frame(frame(0), b"a")
    window.add_unseen(unseen(1))
    window.next_range()

    window.acknowledge([0])
    assert window, "a range is under way"
    window.acknowledge([1])

    assert not window


def test_an_item_that_waits_for_its_range_counts_as_unacknowledged():
    window = Window(2)
    window.add_unseen(unseen(0))

    assert window
    assert window.has_range


def test_one_range_is_under_way_at_a_time():
    window = Window(2)
    window.add_unseen(unseen(0))
    window.add_unseen(unseen(1))
    assert seqs(window.next_range()) == [0, 1]

    window.add_unseen(unseen(2))
    window.acknowledge([0])

    assert not window.has_range
    assert window.next_range() is None
    window.acknowledge([1])
    assert seqs(window.next_range()) == [2]


def test_a_long_run_of_unseen_items_travels_in_ranges_of_limited_length():
    window = Window(1)
    for seq in range(RANGE_ITEMS + 3):
        window.add_unseen(unseen(seq))

    first = seqs(window.next_range())
    window.acknowledge(first)
    second = seqs(window.next_range())

    assert first == list(range(RANGE_ITEMS))
    assert second == [RANGE_ITEMS, RANGE_ITEMS + 1, RANGE_ITEMS + 2]


def test_without_unseen_items_there_is_no_range():
    window = Window(1)

    assert not window.has_range
    assert window.next_range() is None


def test_a_new_dispatcher_is_told_what_was_sent_and_not_acknowledged_in_order():
    window = Window(8)
    for seq in (0, 1, 4):
        window.add_frame(frame(seq), b"")
    for seq in (2, 3):
        window.add_unseen(unseen(seq))
    window.next_range()
    window.add_unseen(unseen(5))

    assert sent_again(window) == ([0, 1, 4], [2, 3])
    window.acknowledge([0, 3])
    assert sent_again(window) == ([1, 4], [2])


def test_being_told_again_does_not_free_anything():
    window = Window(2)
    window.add_frame(frame(0), b"a")

    window.everything_sent()

    assert (window.room, sent_again(window)) == (1, ([0], []))


@given(
    seen=st.lists(st.booleans(), max_size=60),
    answers=st.lists(st.integers(0, 70), max_size=120),
)
def test_nothing_is_forgotten_before_it_is_acknowledged(seen, answers):
    window = Window(len(seen) or 1)
    for seq, is_frame in enumerate(seen):
        if is_frame:
            window.add_frame(frame(seq), b"")
        else:
            window.add_unseen(unseen(seq))
    window.next_range()

    for count, answer in enumerate(answers, 1):
        window.acknowledge([answer])
        frames, ranges = sent_again(window)
        assert set(frames) | set(ranges) == set(range(len(seen))) - set(answers[:count])


def test_the_oldest_is_the_first_trigger_that_is_not_acknowledged():
    window = Window(8)
    assert window.oldest_s == math.inf
    window.add_unseen(unseen(3))
    window.next_range()
    window.add_unseen(unseen(4))
    assert window.oldest_s == 3 / 8
    window.add_frame(frame(1), b"")
    assert window.oldest_s == 1 / 8

    window.acknowledge([1, 3])

    assert window.oldest_s == 4 / 8
