"""The memory of pictures: who may write when, and what a death at any moment leaves."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from line.messages import Frame, Handle
from line.process import picture_ring
from line.process.picture_ring import Pictures, RingReader, RingWriter, make_memory

SLOTS, SLOT_BYTES = 3, 100


@pytest.fixture
def fd() -> Iterator[int]:
    made = make_memory()
    yield made
    os.close(made)


def content(seq: int, size: int = 60) -> bytes:
    return random.Random(seq).randbytes(size)


def put(ring: RingWriter, seq: int, size: int = 60) -> Handle:
    handle = ring.put(seq, content(seq, size))
    assert handle is not None
    return handle


def seen(reader: RingReader, handle: Handle) -> bytes | None:
    found = reader.picture(handle)
    return None if found is None else bytes(found)


def test_a_picture_is_read_where_it_was_written(fd: int) -> None:
    reader, ring = RingReader(fd), RingWriter(fd, SLOTS, SLOT_BYTES)
    handles = [put(ring, seq) for seq in range(SLOTS)]
    assert [seen(reader, handle) for handle in handles] == [content(seq) for seq in range(SLOTS)]
    assert [ring.copy(handle) for handle in handles] == [content(seq) for seq in range(SLOTS)]


def test_a_slot_is_written_again_only_when_its_item_was_let_go(fd: int) -> None:
    reader, ring = RingReader(fd), RingWriter(fd, SLOTS, SLOT_BYTES)
    handles = [put(ring, seq) for seq in range(SLOTS)]
    assert ring.put(SLOTS, b"x") is None, "there is no slot"
    ring.free([1, 1, 77])
    again = put(ring, SLOTS)
    assert again.slot == handles[1].slot
    assert seen(reader, handles[1]) is None, "it is another item's picture by now"
    assert seen(reader, again) == content(SLOTS)
    assert ring.used == SLOTS


def test_a_picture_larger_than_a_slot_travels_by_itself(fd: int) -> None:
    ring = RingWriter(fd, SLOTS, 1)
    first = put(ring, 0, 5000)  # so large is a slot from now on, in whole pages
    assert put(ring, 1, 8192).size == 8192
    assert ring.put(2, bytes(8193)) is None
    assert first.size == 5000


def test_an_empty_picture_has_a_place(fd: int) -> None:
    reader, ring = RingReader(fd), RingWriter(fd, SLOTS, SLOT_BYTES)
    assert seen(reader, put(ring, 0, 0)) == b""


@pytest.mark.parametrize(
    "wrong", [{"slot": SLOTS}, {"slot": 8191}, {"size": 1 << 40}, {"generation": 2}]
)
def test_a_handle_that_leads_nowhere_finds_nothing(fd: int, wrong: dict[str, int]) -> None:
    ring = RingWriter(fd, SLOTS, SLOT_BYTES)
    handle = put(ring, 0)
    assert seen(RingReader(fd), replace(handle, **wrong)) is None


def test_memory_without_pictures_has_none(fd: int) -> None:
    assert RingReader(fd).picture(Handle(0, 0, 0)) is None


def test_a_frame_is_found_by_its_camera(fd: int) -> None:
    ring = RingWriter(fd, SLOTS, SLOT_BYTES)
    frame = Frame(0, 5, 1.0, 1.0, 1.0, 2.0, None, 1.0, "raw", 4, 5, 7, put(ring, 5))
    pictures = Pictures([fd])
    assert pictures.copy(frame, None) == content(5)
    assert pictures.copy(replace(frame, camera=1), None) is None
    assert pictures.copy(replace(frame, handle=None), b"came by itself") == b"came by itself"


def test_the_successor_of_a_camera_keeps_what_is_under_way(fd: int) -> None:
    reader, first = RingReader(fd), RingWriter(fd, SLOTS, SLOT_BYTES)
    handles = [put(first, seq) for seq in range(SLOTS)]
    second = RingWriter(fd, 99, 99_999, settled={1})
    assert second.used == 2
    third = put(second, 3)
    assert third.slot == handles[1].slot
    assert [seen(reader, handles[seq]) for seq in (0, 2)] == [content(0), content(2)]
    second.free([0, 2])
    assert put(second, 4).slot in {handles[0].slot, handles[2].slot}
    assert seen(reader, third) == content(3)


class _Killed(BaseException):
    pass


def killed_at(step: int, work: Callable[[], Any]) -> bool:
    """Whether `work` was ended before its `step`-th line in the ring's module."""
    left = step

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != picture_ring.__file__:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                raise _Killed
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except _Killed:
        return True
    finally:
        sys.settrace(before)
    return False


class Lives(RuleBasedStateMachine):
    """A camera that is killed at any line, and its successors; items are let go as the log says."""

    def __init__(self) -> None:
        super().__init__()
        self.fd = make_memory()
        self.reader = RingReader(self.fd)
        self.ring = RingWriter(self.fd, SLOTS, SLOT_BYTES)
        self.next = 0
        self.under_way: dict[int, Handle | None] = {}
        """items whose row does not stand; with the handle that was told"""
        self.settled: set[int] = set()

    def teardown(self) -> None:
        os.close(self.fd)

    @rule(size=st.integers(0, SLOT_BYTES))
    def publish(self, size: int) -> None:
        seq, self.next = self.next, self.next + 1
        self.under_way[seq] = self.ring.put(seq, content(seq, size))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(sorted(self.under_way)))
        self._settle(seq)
        self.ring.free([seq])

    @rule(step=st.integers(0, 30))
    def die_while_publishing(self, step: int) -> None:
        seq, self.next = self.next, self.next + 1
        self.under_way[seq] = None  # nobody was told; its row comes all the same
        if killed_at(step, lambda: self.ring.put(seq, content(seq))):
            self._start_anew()
        else:
            self._settle(seq)
            self.ring.free([seq])

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), step=st.integers(0, 12))
    def die_while_letting_go(self, data: st.DataObject, step: int) -> None:
        seq = data.draw(st.sampled_from(sorted(self.under_way)))
        self._settle(seq)
        if killed_at(step, lambda: self.ring.free([seq])):
            self._start_anew()

    @rule(step=st.integers(0, 30))
    def die_while_starting(self, step: int) -> None:
        killed_at(step, lambda: RingWriter(self.fd, SLOTS, SLOT_BYTES, self.settled))
        self._start_anew()

    def _start_anew(self) -> None:
        self.ring = RingWriter(self.fd, SLOTS, SLOT_BYTES, self.settled)

    def _settle(self, seq: int) -> None:
        del self.under_way[seq]
        self.settled.add(seq)

    @invariant()
    def everybody_finds_what_is_under_way(self) -> None:
        for seq, handle in self.under_way.items():
            if handle is not None:
                assert seen(self.reader, handle) == content(seq, handle.size)

    @invariant()
    def no_slot_is_lost(self) -> None:
        assert self.ring.used <= len(self.under_way)


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLives = Lives.TestCase

WRITER = """
import sys, zlib
from line.process.picture_ring import RingWriter
fd, first = int(sys.argv[1]), int(sys.argv[2])
ring = RingWriter(fd, 4, 50_000, range(first))
seq = first
while True:
    data = seq.to_bytes(8, "big") * 6250
    handle = ring.put(seq, data)
    assert handle is not None
    print(seq, handle.slot, handle.generation, handle.size, zlib.crc32(data), flush=True)
    ring.free([seq - 2])
    seq += 1
"""


def test_a_copy_that_a_killed_camera_has_torn_is_known_by_its_checksum(fd: int) -> None:
    """Real processes, killed while they write; what was told last and is under way stays whole."""
    reader, first, lots = RingReader(fd), 0, random.Random(7)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(fd), str(first)],
            stdout=subprocess.PIPE,
            pass_fds=[fd],
            text=True,
        ) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(lots.randrange(3, 200))]
            writer.kill()
            told += writer.stdout.readlines()
        whole = [tuple(map(int, line.split())) for line in told if line.endswith("\n")]
        for _, slot, generation, size, crc in whole[-2:]:
            found = seen(reader, Handle(slot, generation, size))
            assert found is not None
            assert zlib.crc32(found) == crc
        first = whole[-1][0] + 2
