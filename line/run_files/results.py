"""`results.csv`: its rows, and reading them in memory that does not grow with the file.

Whoever wants tables of many rows at a time has `reports.results`, which reads the same blocks. The
CSV log counts what stands in its file itself, from a place in the middle (`sinks.csv_stand`).
"""

from __future__ import annotations

import csv
import io
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from line.errors import BadInput
from line.outcome import COLUMNS, LATER_COLUMNS, NEEDED_COLUMNS, Outcome, Verdict
from line.plain_text import cell_of, plain, text_of
from line.run_files.csv_blocks import Block, Tell, blocks

HEADER = ",".join(COLUMNS) + "\n"


def encode_rows(outcomes: Iterable[Outcome]) -> bytes:
    """Whole lines, one for each outcome. Texts are as `line.plain_text` writes them."""
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
    return outcome_of(dict(zip(COLUMNS, cells, strict=True)))


def outcome_of(cells: Mapping[str, str]) -> Outcome:
    """The outcome that the cells of a row stand for, by column. Raises ValueError for others."""
    cells = {**_LATER, **cells}
    return Outcome(**{name: parse(cells[name]) for name, parse in _FIELDS.items()})


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
_LATER = dict.fromkeys(LATER_COLUMNS, "")


FILE = "results.csv"
T = TypeVar("T")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is wrong with a file is a BadInput that names it."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {plain(str(error))}") from None


def read_rows(
    path: Path, make: Callable[[Mapping[str, str]], T], *, needed: Collection[str] = NEEDED_COLUMNS
) -> Iterator[T]:
    """What `make` makes of the cells of each row, by column; ValueErrors of it name the line.

    A last row without its end is left out. Texts are as `line.plain_text` writes them.

    Raises:
        BadInput: the file cannot be read, has a row that is none, or not all columns `needed`.
    """
    with naming(path):
        for block, names in blocks_of_rows(path, needed=needed):
            for line, cells in records(block):
                if len(cells) != len(names):
                    raise ValueError(f"line {line}: {len(cells)} cells instead of {len(names)}")
                try:
                    made = make(dict(zip(names, cells, strict=True)))
                except (ValueError, OverflowError) as error:
                    raise ValueError(f"line {line}: {error}") from None
                yield made


def find_row(
    path: Path,
    frame_id: str,
    *,
    needed: Collection[str] = NEEDED_COLUMNS,
    follow_links: bool = True,
    tell: Tell = lambda done, of: None,
) -> tuple[Block, list[str]] | None:
    """The first row of an item, and the columns; None if it has no row.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has not all columns `needed`.
    """
    if "," in frame_id:  # no item has such a name, and it would match the cells of one
        return None
    wanted = f"{frame_id},".encode(errors="replace")
    for block, names in blocks_of_rows(path, needed=needed, follow_links=follow_links, tell=tell):
        # Bytes are compared, not cells: a frame_id needs no quotes, and stands first.
        at = 0 if block.data.startswith(wanted) else block.data.find(b"\n" + wanted) + 1
        if at or block.data.startswith(wanted):
            line = block.first_line + block.data.count(b"\n", 0, at)
            end = block.data.find(b"\n", at) + 1
            while block.data.count(b'"', at, end) % 2:
                end = block.data.find(b"\n", end) + 1
            return Block(block.data[at:end], line), names
    return None


def blocks_of_rows(
    path: Path,
    *,
    needed: Collection[str] = NEEDED_COLUMNS,
    follow_links: bool = True,
    torn: bool = False,
    tell: Tell = lambda done, of: None,
) -> Iterator[tuple[Block, list[str]]]:
    """What stands behind the header, as blocks of whole rows, each with the columns.

    The file may still be growing: a last row without its end comes only if `torn` ones are asked
    for, as a block of its own. `tell` hears how many bytes of how many are read.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has not all columns `needed`, or a row that is longer than any.
    """
    names: list[str] = []
    for block in blocks(path, tell, follow_links=follow_links, torn=torn):
        if not names:
            header, end, rows = block.data.partition(b"\n")
            if not end:
                return
            names = _names(header, needed)
            block = Block(rows, block.first_line + 1)
        if block.data:
            yield block, names


def records(block: Block, errors: str = "strict") -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, with the number of its first line. Raises ValueError naming a line.

    `errors`: what is done about bytes that are not UTF-8, see `bytes.decode`.
    """
    try:
        lines = io.StringIO(block.data.decode(errors=errors), newline="")
    except UnicodeDecodeError as error:
        line = block.first_line + block.data.count(b"\n", 0, error.start)
        raise ValueError(f"line {line}: is not UTF-8") from None
    reader = csv.reader(lines)
    while True:
        line = block.first_line + reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"line {line}: {error}") from None
        if cells is None:
            return
        yield line, cells


def _names(header: bytes, needed: Collection[str]) -> list[str]:
    """The columns. Raises ValueError for those of anything else."""
    try:
        names = next(csv.reader([header.decode("utf-8", "replace").rstrip("\r")]), [])
    except csv.Error as error:
        raise ValueError(f"line 1: {error}") from None
    absent = [name for name in needed if name not in names]
    if absent:
        doubt = "; of another version of the line?" if needed is COLUMNS else ""
        raise ValueError(f"no column {', '.join(absent)}{doubt}")
    if len(set(names)) != len(names):
        raise ValueError("a column stands there twice")
    return names
