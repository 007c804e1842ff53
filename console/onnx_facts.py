"""The entries that travel inside an ONNX file, read without loading its graph.

An ONNX file is a protocol buffer, `ModelProto` of onnx.proto: fields one after another, of which
number 14 holds an entry each, a message of key (1) and value (2). All others, the graph (7) first
of all, are stepped over by their length.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

_ENTRY, _KEY, _VALUE = 14, 1, 2
_VARINT, _EIGHT_BYTES, _WITH_LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10


def read_entries(path: Path) -> dict[str, str]:
    """`scrapline.classes` and the like. Raises OSError, or ValueError if it is no ONNX file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return dict(
            _entry(data[start:end])
            for number, start, end in _fields(data, len(data))
            if number == _ENTRY
        )


def _entry(message: bytes) -> tuple[str, str]:
    texts = {
        number: message[start:end].decode() for number, start, end in _fields(message, len(message))
    }
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


def _fields(data: bytes | mmap.mmap, size: int) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of the content of each field."""
    at = 0
    while at < size:
        tag, at = _varint(data, at, size)
        kind = tag & 7
        if kind == _WITH_LENGTH:
            length, at = _varint(data, at, size)
            end = at + length
        elif kind == _VARINT:
            _, end = _varint(data, at, size)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            end = at + (8 if kind == _EIGHT_BYTES else 4)
        else:
            raise ValueError(f"field of kind {kind}")
        if end > size:
            raise ValueError("cut short")
        yield tag >> 3, at, end
        at = end


def _varint(data: bytes | mmap.mmap, at: int, size: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first; and where it ends."""
    number = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= size:
            break
        byte = data[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError("cut short")
