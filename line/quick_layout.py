"""One function for each dataclass that checks and builds it from an array of the usual kind.

`line.layout` can say which field of an array is wrong, and takes a while for it: a function call
for each field. Nearly all that comes is right. So the same checks are also written out as the text
of a single function, from the same annotations, and Python compiles it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, get_args, get_origin

from line.ranges import (
    FINITE,
    LONGEST_LIST,
    LONGEST_TEXT,
    NATURAL,
    Between,
    Longest,
    Matching,
    Range,
)

QuickReader = Callable[[Any], Any]


def quick_reader(cls: Any) -> QuickReader:
    """A function that builds `cls` from the values of its fields.

    It raises TypeError or ValueError for what does not fit, and for some of what does: a whole
    number where a fraction may stand.
    """
    return _Writer().reader(cls)


class _Text(NamedTuple):
    """Python expressions over the name of a value: whether it fits, and what it becomes."""

    fits: str
    value: str


class _Writer:
    """Writes the text; `_names` are the objects that it speaks of."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"unusual": _unusual}

    def reader(self, cls: Any) -> QuickReader:
        hints = typing.get_type_hints(cls, include_extras=True)
        texts = {
            field.name: self._text(hints[field.name], f"v_{field.name}") for field in fields(cls)
        }
        names = ", ".join(f"v_{name}" for name in texts)
        values = ", ".join(f"{name}={text.value}" for name, text in texts.items())
        source = (
            "def read(values):\n"
            "    if type(values) is not list:\n"
            "        unusual()\n"
            f"    [{names}] = values\n"
            f"    if {' and '.join(text.fits for text in texts.values()) or True}:\n"
            f"        return {self._name(cls)}({values})\n"
            "    unusual()\n"
        )
        exec(source, self._names)  # noqa: S102 - made of the program's own annotations alone
        read: QuickReader = self._names.pop("read")
        return read

    def _name(self, thing: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = thing
        return name

    def _text(self, hint: Any, v: str, limit: Range | None = None) -> _Text:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._text(arguments[0], v, arguments[1])
        if is_dataclass(hint):
            return _Text(f"type({v}) is list", f"{self._name(quick_reader(hint))}({v})")
        if origin in (typing.Union, types.UnionType):
            inner = self._text(next(a for a in arguments if a is not type(None)), v, limit)
            return _Text(
                f"({v} is None or {inner.fits})", f"(None if {v} is None else {inner.value})"
            )
        if origin is tuple and arguments[-1] is Ellipsis:
            return self._sequence(arguments[0], v, limit or Longest(LONGEST_LIST))
        if origin is tuple:
            parts = [self._text(a, f"{v}[{place}]") for place, a in enumerate(arguments)]
            fits = [f"type({v}) is list and len({v}) == {len(parts)}", *(p.fits for p in parts)]
            return _Text(" and ".join(fits), f"({', '.join(p.value for p in parts)},)")
        if origin is Literal:
            return self._one_of({str(a): a for a in arguments}, v)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return self._one_of({member.value: member for member in hint}, v)
        return _Text(f"type({v}) is {self._name(hint)}{self._in_range(hint, v, limit)}", v)

    def _in_range(self, hint: Any, v: str, limit: Range | None) -> str:
        if hint in (int, float):
            limit = limit or (FINITE if hint is float else NATURAL)
            assert isinstance(limit, Between)
            return f" and {self._name(limit.low)} <= {v} <= {self._name(limit.high)}"
        if hint is str and isinstance(limit, Matching):
            return f" and {self._name(limit.matches)}({v})"
        if hint is str:
            limit = limit or Longest(LONGEST_TEXT)
            assert isinstance(limit, Longest)
            return f" and len({v}) <= {limit.length}"
        assert limit is None
        return ""

    def _sequence(self, hint: Any, v: str, limit: Range) -> _Text:
        assert isinstance(limit, Longest)
        entry = f"x{len(self._names)}"
        item = self._text(hint, entry)
        return _Text(
            f"type({v}) is list and len({v}) <= {limit.length}",
            f"tuple([{item.value} for {entry} in {v} if ({item.fits}) or unusual()])",
        )

    def _one_of(self, allowed: dict[str, Any], v: str) -> _Text:
        name = self._name(allowed)
        return _Text(f"type({v}) is str and {v} in {name}", f"{name}[{v}]")


def _unusual() -> NoReturn:
    raise ValueError("not of the usual kind")
