"""Rows as a Parquet file."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from line.errors import BadInput
from line.outcome import COLUMNS
from sinks.plant import fill
from sinks.plant.parquet import write_parquet
from tests.made_run import make_run
from tests.sinks.plant.test_postgres import ROWS


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", rows=ROWS)


def test_every_value_is_there_with_its_type(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "BATCH_ROWS", 3)
    path = tmp_path / "rows.parquet"
    assert write_parquet(run_dir, path) == len(ROWS)
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    wanted = [{name: getattr(row, name) for name in COLUMNS} for row in ROWS]
    assert table.to_pylist() == wanted
    kinds = {name: str(table.schema.field(name).type) for name in COLUMNS}
    assert (kinds["seq"], kinds["low_confidence"]) == ("int64", "bool")
    assert (kinds["mass_g"], kinds["verdict"]) == ("double", "string")
    assert not table.schema.field("verdict").nullable
    assert table.schema.field("true_class").nullable
    assert pd.read_parquet(path)["mass_g"].sum() == pytest.approx(sum(row.mass_g for row in ROWS))


def test_a_run_without_rows_is_a_file_without_rows(run_dir: Path) -> None:
    results = run_dir / "results.csv"
    results.write_text(results.read_text().splitlines(keepends=True)[0])
    assert write_parquet(run_dir, run_dir / "x.parquet") == 0
    assert pyarrow.parquet.read_table(run_dir / "x.parquet").num_rows == 0


def test_whoever_may_read_the_rows_may_read_the_file(run_dir: Path) -> None:
    (run_dir / "results.csv").chmod(0o640)
    write_parquet(run_dir, run_dir / "x.parquet")
    assert stat.S_IMODE((run_dir / "x.parquet").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0-9,0,9,soon\n", "line 9: 4 cells instead of"),
        (
            f"0-9,0,{2**70},0.5,,,,,false,dropped,,,,,0,,1.0,,,,,,\n",
            "item 0-.*what no row can have",
        ),
        ("0-9,0,x,0.5,,,,,false,dropped,,,,,0,,1.0,,,,,,\n", "line 9: "),
    ],
)
def test_a_row_that_is_none_is_named_and_the_file_there_stays(
    run_dir: Path, line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "BATCH_ROWS", 3)
    path = run_dir / "x.parquet"
    path.write_bytes(b"old")
    with (run_dir / "results.csv").open("a") as file:
        file.write(line)
    with pytest.raises(BadInput, match=said) as error:
        write_parquet(run_dir, path)
    assert "results.csv" in str(error.value)
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in run_dir.glob(".x*")) == []
