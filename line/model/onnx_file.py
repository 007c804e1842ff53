"""What stands in an ONNX file, read without loading its graph.

An ONNX file is a protocol buffer, `ModelProto` of onnx.proto: fields one after another, each with a
number. What is not looked for is stepped over by its length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pictures.regular_file import open_regular

LARGEST_ENTRIES = 4 * 10**6
"""Bytes of all entries of a file together."""

Data = bytes | memoryview

_ENTRY, _KEY, _VALUE = 14, 1, 2
_EXTERNAL_DATA = 13
_VARINT, _EIGHT_BYTES, _WITH_LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10
_LONGEST_HEAD = 2 * _LONGEST_VARINT
_DEEPEST = 32
"""Graphs within graphs."""
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Fields that may hold a tensor somewhere below, by the message that they stand in."""


def read_entries(path: Path) -> dict[str, str]:
    """`scrapline.classes` and the like.

    The file may be written anew meanwhile, so it is read, not mapped: a mapped file that is cut
    short ends its reader.

    Raises:
        OSError: for a file that cannot be read.
        ValueError: if it is no ONNX file, or its entries are larger than `LARGEST_ENTRIES`.
    """
    entries: dict[str, str] = {}
    room = LARGEST_ENTRIES
    with os.fdopen(open_regular(path, follow_links=True), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise ValueError("it is empty")
        at = 0
        while at < size:
            file.seek(at)
            head = file.read(_LONGEST_HEAD)
            number, start, end = _field(head, 0, len(head), size - at)
            if number == _ENTRY:
                room -= end - start
                if room < 0:
                    raise ValueError(f"its entries are larger than {LARGEST_ENTRIES / 1e6:g} MB")
                file.seek(at + start)
                key, value = _entry(file.read(end - start))
                entries[key] = value
            at += end
    return entries


def entries_of(data: bytes) -> dict[str, str]:
    """As `read_entries`, of a file's content. Raises ValueError if it is no ONNX file."""
    return dict(
        _entry(data[start:end])
        for number, start, end in _fields(data, 0, len(data))
        if number == _ENTRY
    )


def external_file(data: bytes) -> str | None:
    """The file in which a model keeps weights beside its own; None if it keeps all inside.

    Raises:
        ValueError: if it is no ONNX file.
    """
    whole = memoryview(data)
    for start, end in _tensors(whole, 0, len(data), "model", _DEEPEST):
        for number, from_, to in _fields(whole, start, end):
            if number == _EXTERNAL_DATA:
                key, value = _entry(bytes(whole[from_:to]))
                if key == "location":
                    return value
    return None


def _tensors(
    data: memoryview, start: int, end: int, message: str, depth: int
) -> Iterator[tuple[int, int]]:
    """(start, end) of every tensor below a message."""
    if message == "tensor":
        yield start, end
        return
    if not depth:
        raise ValueError("nested too deep")
    parts = _PARTS[message]
    for number, from_, to in _fields(data, start, end):
        if number in parts:
            inner = parts[number]
            yield from _tensors(data, from_, to, inner, depth - (inner == "graph"))


def _entry(message: bytes) -> tuple[str, str]:
    texts = {
        number: message[start:end].decode()
        for number, start, end in _fields(message, 0, len(message))
        if number in (_KEY, _VALUE)
    }
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


def _fields(data: Data, start: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of the content of each field between two places."""
    at = start
    while at < size:
        number, begin, at = _field(data, at, size, size)
        yield number, begin, at


def _field(data: Data, at: int, known: int, size: int) -> tuple[int, int, int]:
    """(number, start, end) of the field at a place; `data` is known so far, and ends at `size`."""
    tag, at = _varint(data, at, known)
    kind = tag & 7
    if kind == _WITH_LENGTH:
        length, at = _varint(data, at, known)
        end = at + length
    elif kind == _VARINT:
        _, end = _varint(data, at, known)
    elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
        end = at + (8 if kind == _EIGHT_BYTES else 4)
    else:
        raise ValueError(f"field of kind {kind}")
    if end > size:
        raise ValueError("cut short")
    return tag >> 3, at, end


def _varint(data: Data, at: int, size: int) -> tuple[int, int]:
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
