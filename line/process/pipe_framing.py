"""Messages between a process and a helper of its own: a JSON header and bytes, over pipes.

Layout, numbers big-endian: length of the header (4 bytes), length of the content (8 bytes), header
(UTF-8), content. Lengths are checked before anything is read by them.
"""

from __future__ import annotations

import struct
from io import BufferedIOBase
from typing import BinaryIO

from line.errors import DecodeError

_LENGTHS = struct.Struct("!IQ")
MAX_HEADER_BYTES = 1 << 20


def send_message(stream: BufferedIOBase | BinaryIO, header: str, content: bytes = b"") -> None:
    """Write one message and flush. Raises OSError if nobody reads any more."""
    head = header.encode()
    stream.write(_LENGTHS.pack(len(head), len(content)) + head)
    stream.write(content)
    stream.flush()


def receive_message(
    stream: BufferedIOBase | BinaryIO, max_bytes: int
) -> tuple[bytes, bytes] | None:
    """Header and content of the next message; None where the stream ends between two. Blocks.

    Raises:
        DecodeError: for a message that is cut off, or is longer than `max_bytes` of content or
            `MAX_HEADER_BYTES` of header; nothing more can be read from such a stream.
    """
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise DecodeError("a message is cut off")
    header_bytes, content_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > MAX_HEADER_BYTES or content_bytes > max_bytes:
        raise DecodeError(f"a message of {header_bytes} and {content_bytes} bytes is too long")
    header, content = stream.read(header_bytes), stream.read(content_bytes)
    if len(header) < header_bytes or len(content) < content_bytes:
        raise DecodeError("a message is cut off")
    return header, content
