"""The rows of a run as one Parquet file of typed columns: for pandas, DuckDB and Polars."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow
from pyarrow.parquet import ParquetWriter

from line.atomic_file import replacing
from line.outcome import COLUMNS, Outcome
from line.run_files.results import FILE as RESULTS
from sinks.plant.fill import batches_of_rows

FILE = "results.parquet"
_TYPES = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
"""Whatever else a field may be is a text."""


def _field(name: str, hint: Any) -> Any:
    is_optional = get_origin(hint) is UnionType
    kind = get_args(hint)[0] if is_optional else hint
    return pyarrow.field(name, _TYPES.get(kind, pyarrow.string()), nullable=is_optional)


_HINTS = {"frame_id": str, **get_type_hints(Outcome)}
SCHEMA = pyarrow.schema([_field(name, _HINTS[name]) for name in COLUMNS])
"""The columns of results.csv. What does not apply to an item is null."""


def write_parquet(run_dir: Path, path: Path) -> int:
    """Write the rows of a run to `path`, in little memory; how many there are.

    A file there is replaced when the new one is whole. Whoever may read the run may read it.

    Raises:
        BadInput: it is no run folder, or its rows are none.
        OSError: the file cannot be written.
    """
    rows = 0
    batches = batches_of_rows(run_dir)
    first = next(batches, [])  # before anything is written
    with replacing(path) as fd, os.fdopen(os.dup(fd), "wb") as file:
        os.fchmod(fd, (run_dir / RESULTS).stat().st_mode & 0o666)
        with ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for batch in chain([first], batches):
                columns = [[getattr(row, name) for row in batch] for name in COLUMNS]
                writer.write_batch(_record_batch(columns))
                rows += len(batch)
    return rows


def _record_batch(columns: list[list[Any]]) -> Any:
    arrays = [
        pyarrow.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=SCHEMA)
