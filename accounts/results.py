"""`results.csv` as a table: typed columns, one row for each item."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from line.errors import BadInput
from line.outcome import COLUMNS, Verdict

_INTEGERS = ("camera", "seq", "attempts")
_NUMBERS = (
    "scheduled_s",
    "confidence",
    "latency_ms",
    "slack_ms",
    "mass_g",
    "queue_ms",
    "inference_ms",
    "picture_crc32",
    "published_ms",
    "dispatched_ms",
)
_TYPES = {
    **dict.fromkeys(COLUMNS, "str"),
    **dict.fromkeys(_INTEGERS, "int64"),
    **dict.fromkeys(_NUMBERS, "float64"),
}
_NEVER_MISSING = ("reason", "top3", "worker", "model")


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of a run."""

    items: pd.DataFrame
    """first row of each frame_id, in the file's order; columns `line.outcome.COLUMNS`, missing
    values as NaN, low_confidence as bool"""
    duplicates: int
    """further rows of items that already had one; not in `items`"""


def read_results(path: Path) -> Results:
    """Read the file `path`, which may still be growing: a last line without its end is ignored.

    Raises:
        BadInput: the file cannot be read, or is not a results.csv.
    """
    try:
        data = _whole_lines(path.read_bytes())
        rows = _parse(data)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (ValueError, OverflowError, Warning) as error:
        raise BadInput(f"{path}: {str(error).strip()}") from None
    items = rows.drop_duplicates("frame_id", ignore_index=True)
    return Results(items=items, duplicates=len(rows) - len(items))


def _whole_lines(data: bytes) -> bytes:
    """`data` up to the end of its last whole record."""
    end = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    while quotes % 2:  # the end of a line inside an open quotation is not the end of a record
        start = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', start, end)
        end = start
    return data[:end]


def _parse(data: bytes) -> pd.DataFrame:
    if not data:
        data = ",".join(COLUMNS).encode() + b"\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a row with cells too many, a number out of range
        # Only the empty field is missing: a class may well be called "None" or "NA".
        rows = pd.read_csv(
            io.BytesIO(data),
            dtype=_TYPES,
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            encoding="utf-8",
        )
    absent = [name for name in COLUMNS if name not in rows.columns]
    if absent:
        raise ValueError(f"no column {', '.join(absent)}; of another version of the line?")
    unknown = set(rows["verdict"].dropna()) - {verdict.value for verdict in Verdict}
    if unknown or rows["verdict"].isna().any():
        raise ValueError(f"unknown verdict {min(unknown, default='')!r}")
    rows["low_confidence"] = rows["low_confidence"] == "true"
    for name in _NEVER_MISSING:
        rows[name] = rows[name].fillna("")
    return rows
