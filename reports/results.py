"""`results.csv` as tables of typed columns, one row for each item, some thousand rows at a time."""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from line.errors import BadInput
from line.outcome import COLUMNS, LATER_COLUMNS, Verdict
from line.plain_text import plain, text_of
from line.run_files.csv_blocks import Block, Tell
from line.run_files.results import blocks_of_rows, find_row, naming, records
from reports.seen_items import SeenItems

_INTEGERS = {"camera": 4096.0, "seq": 2.0**53, "attempts": 2.0**31}
"""Whole numbers from 0, and the first that is too large."""
_NUMBERS = {
    **dict.fromkeys(("latency_ms", "queue_ms", "inference_ms"), (-1e9, 1e9)),
    **dict.fromkeys(("slack_ms", "published_ms", "dispatched_ms"), (-1e9, 1e9)),
    "scheduled_s": (0.0, 1e12),
    "confidence": (0.0, 1.0),
    "energy": (-1e39, 1e39),
    "mass_g": (0.0, 1e9),
    "picture_crc32": (0.0, 2.0**32),
}
"""The least and the greatest that a number may be; but `scheduled_s` each may be missing."""
_FEW = ("true_class", "predicted_class", "verdict", "worker", "model", "reason")
"""Columns of few different texts."""
_TYPES = {
    **dict.fromkeys(COLUMNS, "str"),
    **dict.fromkeys(_INTEGERS, "int64"),
    **dict.fromkeys(_NUMBERS, "float64"),
}
_NEVER_MISSING = ("reason", "top3", "worker", "model")
_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_LONGEST_CELL = 1 << 22


class ResultsFile:
    """Iterates over tables of the file's rows: the first row of each item, in the file's order.

    Columns are `line.outcome.COLUMNS`, missing values NaN, low_confidence bool. The file may still
    be growing: a last line without its end is ignored. `tell` hears how many bytes of how many are
    read.

    Raises:
        BadInput: in an iteration; the file cannot be read, or is not a results.csv.
    """

    def __init__(self, path: Path, tell: Tell = lambda done, of: None) -> None:
        self._path = path
        self._tell = tell
        self.duplicates = 0
        """further rows of items that already had one, as far as was read"""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        seen = SeenItems()
        for rows in self._all_rows():
            try:
                first = _first_rows(rows, seen)
            except ValueError as error:
                raise BadInput(f"{self._path}: {error}") from None
            self.duplicates += int((~first).sum())
            yield rows if first.all() else rows[first].reset_index(drop=True)

    def row(self, frame_id: str) -> pd.DataFrame:
        """The first row of an item, as a table of one row; of none if there is no such item."""
        with naming(self._path):
            found = find_row(self._path, frame_id, tell=self._tell)
            return pd.DataFrame(columns=list(COLUMNS)) if found is None else _parse(*found)

    def _all_rows(self) -> Iterator[pd.DataFrame]:
        with naming(self._path):
            for block, names in blocks_of_rows(self._path, tell=self._tell):
                yield _parse(block, names)


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of a run, all at once."""

    items: pd.DataFrame
    """as `ResultsFile` has them"""
    duplicates: int


def read_results(path: Path) -> Results:
    """The file `path` in memory, whole: for what is known to be small.

    Raises:
        BadInput: as `ResultsFile`.
    """
    file = ResultsFile(path)
    parts = [rows.astype(dict.fromkeys(_FEW, object)) for rows in file]
    empty = pd.DataFrame(columns=list(COLUMNS))
    return Results(pd.concat(parts, ignore_index=True) if parts else empty, file.duplicates)


def _parse(block: Block, names: list[str]) -> pd.DataFrame:
    try:
        rows = _read(block.data, names)
        is_good = _is_good(rows)
    except (ValueError, OverflowError, Warning) as error:
        raise ValueError(_complaint(block, names) or str(error).strip()) from None
    if not is_good:
        raise ValueError(_complaint(block, names) or "has rows that are none of the line's")
    rows["low_confidence"] = rows["low_confidence"] == "true"
    for name in _FEW:
        rows[name] = _texts(rows[name])
    for name in _NEVER_MISSING:
        if name in _FEW and "" not in rows[name].cat.categories:
            rows[name] = rows[name].cat.add_categories("")
        rows[name] = rows[name].fillna("")
    return rows


def _read(data: bytes, names: list[str]) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a row with cells too many, a number out of range
        # Only the empty field is missing: a class may well be called "None" or "NA".
        rows = pd.read_csv(
            io.BytesIO(data),
            header=None,
            names=names,
            dtype=_TYPES,
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            encoding="utf-8",
        )
    rows = rows.assign(**dict.fromkeys(LATER_COLUMNS.difference(names), np.nan))
    # Not while it is parsed: categories that look like numbers, as "007", would become some.
    return rows.astype(dict.fromkeys(_FEW, "category"))


def _texts(cells: pd.Series[str]) -> pd.Series[str]:
    """What the cells of a column of few different ones stand for."""
    names = [text_of(str(cell)) for cell in cells.cat.categories]
    if names == cells.cat.categories.tolist():
        return cells
    unique = list(dict.fromkeys(names))
    place = np.array([-1, *(unique.index(name) for name in names)])
    codes = place[cells.cat.codes.to_numpy().astype(np.int64) + 1]
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(unique)), cells.index)


def _is_good(rows: pd.DataFrame) -> bool:
    """Whether every cell is within its range."""
    if rows["verdict"].isna().any() or not _VERDICTS.issuperset(rows["verdict"].cat.categories):
        return False
    for name, beyond in _INTEGERS.items():
        values = rows[name].to_numpy()
        if values.min() < 0 or values.max() >= beyond:
            return False
    for name, (least, most) in _NUMBERS.items():
        values = rows[name].to_numpy()
        if not ((values >= least) & (values <= most) | np.isnan(values)).all():
            return False
    return not bool(rows["scheduled_s"].isna().any())


def _complaint(block: Block, names: list[str]) -> str:
    """What is wrong with the first bad row, with its line; empty if nothing was found."""
    usual = csv.field_size_limit(_LONGEST_CELL)  # it holds for all readers
    try:
        return _first_complaint(block, names)
    finally:
        csv.field_size_limit(usual)


def _first_complaint(block: Block, names: list[str]) -> str:
    try:
        for line, cells in records(block):
            if len(cells) != len(names):
                return f"line {line}: {len(cells)} cells instead of {len(names)}"
            for name, cell in zip(names, cells, strict=True):
                wrong = _wrong(name, cell)
                if wrong:
                    return f"line {line}: {name}: {wrong}"
    except ValueError as error:
        return str(error)
    return ""


def _wrong(name: str, cell: str) -> str:
    """What is wrong with a cell, or nothing."""
    if name == "verdict" and cell not in _VERDICTS:
        return f"unknown verdict {plain(cell, 40)!r}"
    if name in _INTEGERS:
        least, most, parse = 0.0, _INTEGERS[name] - 1, int
    elif name in _NUMBERS and (cell or name == "scheduled_s"):
        (least, most), parse = _NUMBERS[name], float  # type: ignore[assignment]
    else:
        return ""
    try:
        value = float(parse(cell))
    except (ValueError, OverflowError):
        return f"{plain(cell, 40)!r} is no number of this kind"
    if math.isnan(value) and name != "scheduled_s":
        return ""
    return "" if least <= value <= most else f"{plain(cell, 40)} is out of range"


def _first_rows(rows: pd.DataFrame, seen: SeenItems) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of each row whether it is the first of its item."""
    cameras, numbers = rows["camera"].to_numpy(), rows["seq"].to_numpy()
    first = np.zeros(len(rows), np.bool_)
    for camera in np.unique(cameras).tolist():
        own = np.flatnonzero(cameras == camera)
        first[own] = seen.add(camera, numbers[own])
    return first
