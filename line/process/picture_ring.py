"""Pictures of one camera in memory that its line's processes share: messages carry handles to them.

The supervisor makes the memory before it starts anybody, and hands its descriptor to the camera,
the dispatcher and every worker of this machine, through `placement` where a cluster has started it.
It has no name, so nothing is left behind: the kernel frees it when the last of them is gone. The
camera alone writes, into slots of one size::

    slot bytes │ slots │ generation, item of slot 0 │ … of slot 1 │ …      a picture │ a picture │ …

Who may write when: a slot belongs to one item, from before its picture is written until the item
stands in the log. What a slot holds and whose it is stands in the memory itself. So a camera that
is started again knows which slots its predecessor left to items that are still under way.

A reader copies a picture out, and believes the copy's checksum alone. One that is late, because it
lost its lease, may find the next picture or half of it. It holds nothing, so it may die any time.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable
from typing import Protocol

from line.messages import MOST_SLOTS, Buffer, Frame, Handle
from line.process.memory import unnamed_memory

_HEAD = struct.Struct("<QQ")  # bytes of a slot, 0 as long as there are none; slots
_ENTRY = struct.Struct("<QQ")  # generation; item's number + 1, or 0 for none
_PICTURES_AT = -(-(_HEAD.size + MOST_SLOTS * _ENTRY.size) // mmap.PAGESIZE) * mmap.PAGESIZE


def make_memory() -> int:
    """A descriptor of new shared memory for one camera, to be inherited. Raises OSError."""
    fd = unnamed_memory("scrapline-pictures")
    os.ftruncate(fd, _PICTURES_AT)
    return fd


class Items(Protocol):
    """Numbers of items."""

    def __contains__(self, seq: int, /) -> bool: ...


class RingWriter:
    """The camera's end."""

    def __init__(self, fd: int, slots: int, slot_bytes: int, settled: Items = frozenset()) -> None:
        """Goes on with what an earlier camera left in the memory.

        `slots`: pictures at a time. `slot_bytes`: of the largest picture that is expected; the
        first one that comes may be larger. `settled`: items that stand in the log.
        """
        self._fd = fd
        self._memory = mmap.mmap(fd, os.fstat(fd).st_size)
        self._wanted_bytes = slot_bytes
        self._slot_bytes: int
        self._slots: int
        self._slot_bytes, self._slots = _HEAD.unpack_from(self._memory)
        if not self._slot_bytes:
            self._slots = min(slots, MOST_SLOTS)
        self._generation = 0
        self._of_item: dict[int, list[int]] = {}
        self._free: list[int] = []
        """the one that was freed last is taken first: it is the likeliest to be in the cache"""
        for slot in range(self._slots):
            generation, owner = _ENTRY.unpack_from(self._memory, _entry_at(slot))
            self._generation = max(self._generation, generation)
            if owner and owner - 1 not in settled:
                self._of_item.setdefault(owner - 1, []).append(slot)
            else:
                self._free.append(slot)
        self._free.reverse()

    def close(self) -> None:
        self._memory.close()

    @property
    def used(self) -> int:
        """Slots that belong to an item."""
        return self._slots - len(self._free)

    def put(self, seq: int, data: Buffer) -> Handle | None:
        """Write an item's picture; None if it has no room here and must travel by itself."""
        size = len(data)
        if not self._slot_bytes:
            self._lay_out(size)
        if not self._free or size > self._slot_bytes:
            return None
        slot = self._free.pop()
        self._generation += 1
        self._of_item.setdefault(seq, []).append(slot)
        _ENTRY.pack_into(self._memory, _entry_at(slot), self._generation, seq + 1)
        begin = _PICTURES_AT + slot * self._slot_bytes
        self._memory[begin : begin + size] = data
        return Handle(slot, self._generation, size)

    def copy(self, handle: Handle) -> bytes:
        """The picture of an item that was not freed."""
        begin = _PICTURES_AT + handle.slot * self._slot_bytes
        return self._memory[begin : begin + handle.size]

    def free(self, seqs: Iterable[int]) -> None:
        """These items stand in the log: their slots may be written again."""
        for seq in seqs:
            for slot in self._of_item.pop(seq, ()):
                generation, _ = _ENTRY.unpack_from(self._memory, _entry_at(slot))
                _ENTRY.pack_into(self._memory, _entry_at(slot), generation, 0)
                self._free.append(slot)

    def _lay_out(self, first_bytes: int) -> None:
        """Decide how large a slot is, and make room. Without memory there are no slots."""
        largest = max(1, first_bytes, self._wanted_bytes)
        slot_bytes = -(-largest // mmap.PAGESIZE) * mmap.PAGESIZE
        size = max(_PICTURES_AT + self._slots * slot_bytes, os.fstat(self._fd).st_size)
        try:
            os.ftruncate(self._fd, size)
            memory = mmap.mmap(self._fd, size)
        except (OSError, ValueError):
            self._free.clear()
            return
        self._memory.close()
        self._memory, self._slot_bytes = memory, slot_bytes
        _HEAD.pack_into(memory, 0, slot_bytes, self._slots)


class RingReader:
    """The end of everybody else."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._memory: mmap.mmap | None = None
        self._slot_bytes = self._slots = 0

    def picture(self, handle: Handle) -> memoryview | None:
        """Where the picture stands; None if it is gone.

        It stays there while its item is under way. Who needs it for longer copies it, and checks
        the copy.
        """
        if not self._slots:
            self._look()
        if self._memory is None or handle.slot >= self._slots or handle.size > self._slot_bytes:
            return None
        generation, _ = _ENTRY.unpack_from(self._memory, _entry_at(handle.slot))
        if generation != handle.generation:
            return None
        begin = _PICTURES_AT + handle.slot * self._slot_bytes
        return memoryview(self._memory)[begin : begin + handle.size]

    def _look(self) -> None:
        """Map the memory, which its camera has laid out before it told of its first picture."""
        memory = mmap.mmap(self._fd, os.fstat(self._fd).st_size, access=mmap.ACCESS_READ)
        slot_bytes, slots = _HEAD.unpack_from(memory)
        if not slot_bytes or len(memory) < _PICTURES_AT + slots * slot_bytes:
            memory.close()
            return
        self._memory, self._slot_bytes, self._slots = memory, slot_bytes, slots


class Pictures:
    """The pictures of all cameras, to be read: in their memory, or as they came in a message."""

    def __init__(self, fds: Iterable[int]) -> None:
        """`fds`: the memory of camera 0, of camera 1 and so on."""
        self._rings = [RingReader(fd) for fd in fds]

    def find(self, frame: Frame, payload: Buffer | None) -> Buffer | None:
        """A frame's picture where it stands, while it is under way; None if it is gone."""
        if frame.handle is None:
            return payload
        if frame.camera >= len(self._rings):
            return None
        return self._rings[frame.camera].picture(frame.handle)

    def copy(self, frame: Frame, payload: Buffer | None) -> Buffer | None:
        """The same, to be kept; its checksum says whether it is whole."""
        found = self.find(frame, payload)
        return found if frame.handle is None or found is None else bytes(found)


def _entry_at(slot: int) -> int:
    return _HEAD.size + slot * _ENTRY.size
