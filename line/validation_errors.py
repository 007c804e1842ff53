"""Pydantic's validation errors in one line: where the value came from, which key, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from line.errors import BadInput
from line.plain_text import plain

Values = Mapping[str, Any]
_UNKNOWN = "unknown key"
_TABLES = ("dict_type", "model_attributes_type", "model_type")
"""Pydantic's names of what is wrong with a value that stands where a table belongs."""


def explain(
    error: ValidationError, values: Values, origins: Mapping[str, str], known: Iterable[str] = ()
) -> str:
    """All complaints about `values`, as `origin: section.key: reason`, joined by semicolons.

    `origins` says for every dotted key which layer set it; `known` are keys that there are.
    """
    complaints: dict[str, list[str]] = {}
    for detail in error.errors():
        key, reason = _key(_location(dict(detail)), values), _reason(dict(detail))
        if reason == _UNKNOWN:
            near = get_close_matches(key, known, n=1, cutoff=0.6)
            reason += f"; did you mean {near[0]}?" if near else ""
        elif detail["type"] in _TABLES:
            reason = _is_a_table(key, known)
        if not key:  # a rule over several keys begins with the one to blame
            key, _, reason = reason.partition(": ")
        complaints.setdefault(key, []).append(reason)
    return "; ".join(_line(key, reasons, values, origins) for key, reasons in complaints.items())


def first_fault(error: ValidationError) -> str:
    """The first field that is wrong, and why: `field.key: reason`, fit for a terminal."""
    first = next(iter(error.errors(include_url=False, include_input=False)))
    field = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    return plain(": ".join(part for part in (field, reason) if part), 1000)


def damaged(path: Path, error: ValidationError) -> BadInput:
    """What is wrong with a file that was written by a program: its first field that is."""
    return BadInput(f"{plain(str(path), 1000)}: {first_fault(error)}")


def _location(error: dict[str, Any]) -> tuple[int | str, ...]:
    """Where the error is: of a table whose kind is unknown, the key that names the kind."""
    location: tuple[int | str, ...] = error["loc"]
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*location, error["ctx"]["discriminator"].strip("'"))
    return location


def _key(location: tuple[int | str, ...], values: Values) -> str:
    """The dotted key that an error is about.

    Behind a key whose type is a choice of several, Pydantic names the choice as well.
    """
    value: Any = values
    dotted: list[str] = []
    for part in location:
        if isinstance(value, dict) and part not in value and part == value.get("action"):
            continue  # the kind of the table
        known = part in value if isinstance(value, dict) else isinstance(part, int)
        if not known and not str(part).isidentifier():
            break  # a choice, like constrained-int or literal['auto']
        dotted.append(str(part) if str(part).isprintable() else ascii(part))
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        if not isinstance(value, dict | list):
            break
    return ".".join(dotted)


def _line(key: str, reasons: list[str], values: Values, origins: Mapping[str, str]) -> str:
    parts = key.split(".")
    ancestors = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    origin = next((origins[name] for name in ancestors if name in origins), "settings")
    got = "" if reasons[0].startswith(_UNKNOWN) or not key else _got(parts, values)
    return ": ".join(part for part in (origin, key, " or ".join(reasons) + got) if part)


def _got(parts: list[str], values: Values) -> str:
    value: Any = values
    for part in parts:
        if isinstance(value, list):
            value = value[int(part)]
        elif isinstance(value, dict):  # a key may itself hold a dot
            value = value.get(part)
    return "" if isinstance(value, dict | list) or value is None else f", not {value!r}"


def _is_a_table(key: str, known: Iterable[str]) -> str:
    inner = next((name for name in known if name.startswith(f"{key}.")), "")
    return f"is a table: set one of its keys, such as {inner}" if inner else "must be a table"


def _reason(error: dict[str, Any]) -> str:
    """What is wrong, in a few words."""
    if error["type"] == "extra_forbidden":
        return _UNKNOWN
    if error["type"] in ("missing", "union_tag_not_found"):
        return "missing"
    if error["type"] == "union_tag_invalid":
        return f"must be one of {error['ctx']['expected_tags']}"
    if error["type"] == "tuple_type":
        return "must be a list"
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "must be")
    return message.replace("a valid integer", "an integer").replace("must be a valid", "must be a")
