"""Memory for pictures made ahead: bounded, and every place one picture's at a time."""

from __future__ import annotations

import os
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from producers.ahead.slots import Slots, write

SLOT_BYTES = 1_000_000
PAGE = os.sysconf("SC_PAGE_SIZE")


@given(
    most=st.integers(1_000, 40_000),
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 4_000)), max_size=60),
)
def test_what_lies_in_a_slot_stays_there_until_it_is_free(
    most: int, steps: list[tuple[bool, int]]
) -> None:
    """Each step makes a picture of a size, or lets the oldest go."""
    held: dict[int, bytes] = {}
    largest = 0
    with closing(Slots(most, SLOT_BYTES, 500)) as slots:
        for number, (makes, size) in enumerate(steps):
            if makes:
                slot = slots.take()
                if slot is None:
                    assert slots.used_bytes + max(500, largest) > most
                    continue
                assert slot not in held
                assert slot <= len(held), "the lowest that is free"
                data = bytes([number]) * size
                write(slots.fd, slot, SLOT_BYTES, data)
                slots.fill(slot, size)
                held[slot] = data
                largest = max(largest, size)
            elif held:
                slot = next(iter(held))
                del held[slot]
                slots.free(slot)
            assert {slot: slots.read(slot, len(data)) for slot, data in held.items()} == held
            assert slots.used_bytes <= most + largest
            in_memory = 512 * os.fstat(slots.fd).st_blocks
            assert in_memory <= slots.used_bytes + 2 * PAGE * 61


def test_pictures_far_larger_than_all_the_room_are_not_taken() -> None:
    with closing(Slots(1_000, SLOT_BYTES)) as slots:
        first = slots.take()
        assert first is not None  # nobody knows how large they are
        slots.fill(first, 900_000)
        slots.free(first)
        again = slots.take()
        assert (again, slots.take()) == (None, None)


def test_a_picture_that_was_never_written_is_short() -> None:
    with closing(Slots(1_000, SLOT_BYTES)) as slots:
        assert slots.read(3, 10) == b""
