"""One outcome as the cells of a CSV row, and back."""

from __future__ import annotations

import csv
import io
import types
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

from line.csv_cells import cell_of, text_of
from line.outcome import COLUMNS, Outcome, Verdict

HEADER = ",".join(COLUMNS) + "\n"


def encode_rows(outcomes: Iterable[Outcome]) -> bytes:
    """Whole lines, one for each outcome. Texts are as `line.csv_cells` writes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for outcome in outcomes:
        values = (getattr(outcome, name) for name in _FIELDS)
        writer.writerow([outcome.frame_id, *map(_cell, values)])
    return text.getvalue().encode()


def decode_row(line: str) -> Outcome:
    """Inverse of `encode_rows` for one line. Raises ValueError on anything else."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error as error:
        raise ValueError(error) from None
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells instead of {len(COLUMNS)}")
    return Outcome(
        **{
            name: parse(cell)
            for (name, parse), cell in zip(_FIELDS.items(), cells[1:], strict=True)
        }
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell_of(value) if isinstance(value, str) else repr(value)


def _parser(hint: Any) -> Callable[[str], Any]:
    if get_origin(hint) is types.UnionType:
        inner = _parser(get_args(hint)[0])
        return lambda cell: inner(cell) if cell else None
    if hint is bool:
        return lambda cell: cell == "true"
    if hint is str:
        return text_of
    parse: Callable[[str], Any] = hint
    return parse


_HINTS = get_type_hints(Outcome)
_FIELDS = {field.name: _parser(_HINTS[field.name]) for field in fields(Outcome)}
assert _HINTS["verdict"] is Verdict
