"""`run_line.py sink`: the rows of runs in a database, on a broker, or as Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from commands.printing import out, shown
from line.connection_settings import dsn_fault
from line.errors import BadInput, StorageError
from line.missing_package import optional

_KINDS = ("postgres", "mqtt", "parquet")
_CHOICE = f"{', '.join(_KINDS[:-1])} or {_KINDS[-1]}"


def sink(
    kind: Annotated[str, typer.Argument(help=_CHOICE)],
    run_dirs: Annotated[list[Path], typer.Argument(help="folders of runs")],
    dsn: Annotated[
        str | None,
        typer.Option(help="postgres: connection string; not given: postgres.dsn, PGHOST etc."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--out", help="parquet: file, of one run; not given: RUN_DIR/results.parquet"),
    ] = None,
) -> None:
    """Take the rows of runs elsewhere: a database has each once, a broker is told anew."""
    if kind not in _KINDS:
        raise BadInput(f"sink {kind}: must be {_CHOICE}")
    if into is not None and kind != "parquet":
        raise BadInput("--out: of parquet alone")
    if dsn is not None and kind != "postgres":
        raise BadInput("--dsn: of postgres alone")
    match kind:
        case "postgres":
            _fill_database(run_dirs, dsn)
        case "mqtt":
            _publish(run_dirs)
        case _:
            if into is not None and len(run_dirs) > 1:
                raise BadInput("--out: is one file, and there are several runs")
            _write_files(run_dirs, into)


def _fill_database(run_dirs: list[Path], dsn: str | None) -> None:
    from line.config import load

    with optional("sink postgres", "postgres.txt"):
        from sinks.plant.postgres import Postgres
    from sinks.plant.fill import fill
    from sinks.plant.run_record import read_run

    if dsn is not None and (fault := dsn_fault(dsn)):
        raise BadInput(f"--dsn: {fault}")
    where = load().postgres.dsn if dsn is None else dsn
    for run_dir in run_dirs:
        record = read_run(run_dir)
        with _refusing(), closing(Postgres(where, partial(read_run, run_dir))) as database:
            rows = fill(run_dir, database)
        out.print(f"{shown(run_dir)}: {rows:,} rows are in the database, as {record.name}")


def _publish(run_dirs: list[Path]) -> None:
    """To the broker of `[mqtt]`. What was published before comes again."""
    from line.config import load

    with optional("sink mqtt", "mqtt.txt"):
        from sinks.plant.mqtt import Mqtt
    from sinks.plant.fill import fill
    from sinks.plant.run_record import read_run

    settings = load().mqtt
    for run_dir in run_dirs:
        record = read_run(run_dir)
        with _refusing(), closing(Mqtt(settings, partial(read_run, run_dir))) as broker:
            rows = fill(run_dir, broker)
        topic = f"{settings.topic}/{record.name}"
        out.print(f"{shown(run_dir)}: {rows:,} rows were published, as {topic}/items")


def _write_files(run_dirs: list[Path], into: Path | None) -> None:
    with optional("sink parquet", "parquet.txt"):
        from sinks.plant.parquet import FILE, write_parquet

    for run_dir in run_dirs:
        path = into or run_dir / FILE
        rows = write_parquet(run_dir, path)
        out.print(f"{shown(path)}: {rows:,} rows", soft_wrap=True)


@contextmanager
def _refusing() -> Iterator[None]:
    """Nobody waits here for a database or a broker that is away."""
    try:
        yield
    except StorageError as error:
        raise BadInput(str(error)) from None
