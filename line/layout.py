"""A dataclass as a MessagePack array of its fields, in order, and back.

What comes in is checked against the dataclass's annotations: types, which are also what limits the
depth, and ranges (`line.ranges`). Whatever does not fit raises `DecodeError` and nothing else.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgpack

from line.errors import DecodeError
from line.quick_layout import quick_reader
from line.ranges import (
    FINITE,
    LONGEST_LIST,
    LONGEST_TEXT,
    NATURAL,
    Between,
    Longest,
    Range,
)


def _field_values(record: Any) -> list[Any]:
    """What MessagePack is given in place of a dataclass, nested ones included."""
    return [getattr(record, name) for name in _names(record.__class__)]


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


_PACKER = msgpack.Packer(default=_field_values)


def pack(record: object) -> bytes:
    """A dataclass as a MessagePack array of its fields' values."""
    packed: bytes = _PACKER.pack(record)
    return packed


Reader = Callable[[Any], Any]


class Layout:
    """How to check and build one dataclass from a MessagePack array."""

    def __init__(self, cls: type) -> None:
        hints = get_type_hints(cls, include_extras=True)
        self._cls = cls
        self._names = _names(cls)
        self._quick = quick_reader(cls)
        self._readers: list[Reader] = [_reader(hints[name]) for name in self._names]

    def unpack(self, header: bytes | bytearray | memoryview, most: int) -> Any:
        """What `pack` was given. Raises DecodeError, also for more than `most` bytes."""
        view = memoryview(header)
        if view.nbytes > most:
            raise DecodeError(f"header of {view.nbytes} bytes")
        try:
            return self.read(msgpack.unpackb(view, use_list=True, strict_map_key=True))
        except DecodeError:
            raise
        except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
            raise DecodeError(f"header is not MessagePack: {error}") from None

    def read(self, values: object) -> Any:
        """Raises DecodeError for an array that does not fit."""
        try:
            return self._quick(values)
        except (TypeError, ValueError):
            return self.read_field_by_field(values)

    def read_field_by_field(self, values: object) -> Any:
        """The same, slower: it can say which field is wrong, and takes whole numbers for times."""
        if not isinstance(values, list) or len(values) != len(self._names):
            raise DecodeError(f"{self._cls.__name__}: expected {len(self._names)} fields")
        decoded: list[Any] = []
        try:
            for reader, value in zip(self._readers, values, strict=True):
                decoded.append(reader(value))
        except (TypeError, ValueError) as error:
            name = self._names[len(decoded)]
            raise DecodeError(f"{self._cls.__name__}.{name}: {error}") from None
        return self._cls(**dict(zip(self._names, decoded, strict=True)))


def _reader(hint: Any, limit: Range | None = None) -> Reader:
    """A function that returns a value of type `hint` or raises TypeError or ValueError.

    `limit`: what the value must keep to beyond that; else the limits that hold for every field.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _reader(arguments[0], arguments[1])
    if is_dataclass(hint):
        return Layout(typing.cast(type, hint)).read
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(a for a in arguments if a is not type(None)), limit)
        return lambda value: None if value is None else inner(value)
    if origin is tuple and arguments[-1] is Ellipsis:
        return _sequence(_reader(arguments[0]), limit or Longest(LONGEST_LIST))
    if origin is tuple:
        return _fixed([_reader(a) for a in arguments])
    if origin is Literal:
        return _one_of(arguments)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        text = _exact(str)
        return lambda value: hint(text(value))
    if hint is float:
        return _number(float, limit or FINITE)
    if hint is int:
        return _number(int, limit or NATURAL)
    if hint is str:
        return _text(limit or Longest(LONGEST_TEXT))
    return _exact(hint)


def _exact(cls: type) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not cls:
            raise TypeError(f"expected {cls.__name__}, got {type(value).__name__}")
        return value

    return read


def _number(kind: type[int] | type[float], limit: Range) -> Reader:
    """Read for each number of each message, so in one function. NaN is in no range."""
    assert isinstance(limit, Between)
    low, high = limit.low, limit.high
    takes_whole = kind is float  # MessagePack writes 1.0 as it is told; others may write 1

    def read(value: Any) -> Any:
        if type(value) is kind and low <= value <= high:
            return value
        if type(value) is not kind and not (takes_whole and type(value) is int):
            raise TypeError(f"expected a number, got {value!r}"[:80])
        if not low <= kind(value) <= high:
            raise ValueError(f"must be {low:g} to {high:g}, not {value!r}"[:80])
        return kind(value)

    return read


def _text(limit: Range) -> Reader:
    reader = _limited(_exact(str), limit)
    if not isinstance(limit, Longest):
        return reader
    longest = limit.length
    return lambda value: value if type(value) is str and len(value) <= longest else reader(value)


def _limited(reader: Reader, limit: Range) -> Reader:
    def read(value: Any) -> Any:
        value = reader(value)
        limit.check(value)
        return value

    return read


def _one_of(allowed: tuple[Any, ...]) -> Reader:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"expected one of {allowed}")
        return allowed[allowed.index(value)]  # the enum's member, not the text equal to it

    return read


def _sequence(reader: Reader, limit: Range) -> Reader:
    items = _limited(_exact(list), limit)  # its length before any of its entries
    return lambda value: tuple(reader(item) for item in items(value))


def _fixed(readers: list[Reader]) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        items = _exact(list)(value)
        return tuple(reader(item) for reader, item in zip(readers, items, strict=True))

    return read
