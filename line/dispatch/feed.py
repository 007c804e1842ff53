"""What a running line tells whoever looks on: items as they are seen, and what becomes of them.

Two ZeroMQ parts, as of a message without a picture; `encode` and `decode` own the layout. Nothing
is repeated for a listener that is slow or late, and an item may be told of twice, after a restart
of the dispatcher or of the CSV log: the rows in results.csv are the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from line.errors import DecodeError
from line.layout import Layout, pack
from line.messages import Buffer, Deadline, Frame, Key
from line.outcome import Outcome

THUMBNAIL_PX = 80
"""Widest and highest that a thumbnail is."""
THUMBNAILS_PER_S = 20.0
"""Over time, for all lanes together."""
_BURST_S = 0.5
"""So much of the time that nothing came may be made up for: items come in clusters."""
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """`rgb`: height * width * 3 bytes, row by row; every n-th pixel of the picture."""

    height_px: int
    width_px: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """An item's frame came in. Monotonic times as in `Frame`; `scheduled_s` is belt time."""

    camera: int
    seq: int
    scheduled_s: float
    triggered: float
    deadline: Deadline
    true_class: str | None
    mass_g: float
    thumbnail: Thumbnail | None = None

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of an item, whether it was seen or not."""

    outcome: Outcome

    @property
    def key(self) -> Key:
        return self.outcome.camera, self.outcome.seq


def thumbnail(frame: Frame, data: Buffer) -> Thumbnail | None:
    """A small picture from a raw frame's bytes; None of a packed or a damaged one."""
    height, width = frame.height_px, frame.width_px
    if frame.encoding != "raw" or len(data) != 3 * height * width:
        return None
    step = math.ceil(max(height, width) / THUMBNAIL_PX)
    rows, columns = math.ceil(height / step), math.ceil(width / step)
    rgb = bytearray(3 * rows * columns)
    for row in range(rows):
        begin = 3 * width * step * row
        pixels = bytes(data[begin : begin + 3 * width])
        for channel in range(3):
            small = slice(3 * columns * row + channel, 3 * columns * (row + 1), 3)
            rgb[small] = pixels[channel :: 3 * step]
    return Thumbnail(rows, columns, bytes(rgb))


class Thumbnails:
    """Makes no more of them than `THUMBNAILS_PER_S`."""

    def __init__(self) -> None:
        self._next = 0.0

    def seen(self, frame: Frame, data: Buffer | None, now: float) -> Seen:
        """What is told of a frame that came in at monotonic time `now`."""
        small = None
        if data is not None and now >= self._next:
            self._next = max(self._next, now - _BURST_S) + 1 / THUMBNAILS_PER_S
            small = thumbnail(frame, data)
        return Seen(
            frame.camera,
            frame.seq,
            frame.scheduled_s,
            frame.triggered,
            frame.deadline,
            frame.true_class,
            frame.mass_g,
            small,
        )


def encode(event: Seen | Decided) -> list[Buffer]:
    """The parts of an event, ready for a socket."""
    return [_KINDS[type(event)], pack(event)]


def decode(parts: Sequence[Buffer]) -> Seen | Decided:
    """The event in these parts.

    Raises:
        DecodeError: for anything that `encode` would not have made.
    """
    if len(parts) != 2:
        raise DecodeError(f"{len(parts)} parts instead of 2")
    layout = _LAYOUTS.get(bytes(parts[0]))
    if layout is None:
        raise DecodeError(f"unknown kind {bytes(parts[0])[:8]!r}")
    event: Seen | Decided = layout.unpack(parts[1], _MOST_BYTES)
    if isinstance(event, Seen) and event.thumbnail is not None:
        _check(event.thumbnail)
    return event


def _check(small: Thumbnail) -> None:
    size = f"{small.width_px}x{small.height_px} px"
    if not (1 <= small.height_px <= THUMBNAIL_PX and 1 <= small.width_px <= THUMBNAIL_PX):
        raise DecodeError(f"thumbnail of {size}")
    if len(small.rgb) != 3 * small.height_px * small.width_px:
        raise DecodeError(f"{len(small.rgb)} bytes for a thumbnail of {size}")


_KINDS: dict[type[Seen | Decided], bytes] = {Seen: b"V1", Decided: b"Y2"}
_LAYOUTS = {kind: Layout(cls) for cls, kind in _KINDS.items()}
