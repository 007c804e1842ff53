"""The byte layout of messages; no other file knows it.

A message is two or three ZeroMQ parts::

    kind      two bytes: a letter for the class, a digit for the version of the layout
    header    MessagePack array: the fields of the dataclass, in order
    payload   the picture's bytes, unpacked by nobody on the way (Frame and ShadowItem only)

Sizes are checked before anything is unpacked, and fields against the dataclass's annotations:
types, which are also what limits the depth of a header, and ranges (`line.ranges`). Whatever does
not fit raises `DecodeError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from line.errors import DecodeError
from line.layout import Layout, pack
from line.messages import MESSAGES, Buffer, Frame, Message, ShadowItem
from line.settings import MessageSettings

WIDEST = MessageSettings(header_kb=65_536, picture_mb=1024)
"""The largest messages that any line may allow."""


def encode(message: Message, payload: Buffer | None = None) -> list[Buffer]:
    """The parts of a message, ready for a socket; the payload is not copied."""
    parts: list[Buffer] = [message.KIND, pack(message)]
    if payload is not None:
        parts.append(payload)
    return parts


def decode(
    parts: Sequence[Buffer], limits: MessageSettings = WIDEST
) -> tuple[Message, Buffer | None]:
    """The message and its payload, if any.

    Raises:
        DecodeError: for anything that `encode` would not have made.
    """
    if not 2 <= len(parts) <= 3:
        raise DecodeError(f"{len(parts)} parts instead of 2 or 3")
    kind = bytes(parts[0])
    layout = _LAYOUTS.get(kind)
    if layout is None:
        raise DecodeError(f"unknown kind {kind[:8]!r}")
    message = layout.unpack(parts[1], limits.header_bytes)
    payload = parts[2] if len(parts) == 3 else None
    handle = message.handle if isinstance(message, Frame) else None
    if payload is not None:
        if handle is not None:
            raise DecodeError("frame with two pictures")
        _check_picture(message, memoryview(payload).nbytes, limits.picture_bytes)
    elif handle is not None:
        _check_picture(message, handle.size, limits.picture_bytes)
    elif isinstance(message, Frame):
        raise DecodeError("frame without picture")
    return message, payload


def _check_picture(message: Message, size: int, most: int) -> None:
    if not isinstance(message, Frame | ShadowItem):
        raise DecodeError(f"{type(message).__name__} carries no picture")
    if min(message.height_px, message.width_px) < 1:
        raise DecodeError("picture without area")
    unpacked = message.height_px * message.width_px * 3
    if max(size, unpacked) > most:
        raise DecodeError(f"picture of {size} bytes, {unpacked} unpacked")
    # A frame whose picture was cut short on the way is for a worker to refuse, as one item's fate.
    cut = size < unpacked and isinstance(message, Frame)
    if message.encoding == "raw" and size != unpacked and not cut:
        raise DecodeError(f"{size} bytes for {message.width_px}x{message.height_px} px")


_LAYOUTS = {cls.KIND: Layout(cls) for cls in MESSAGES}
