"""`run_line.py sink`, as somebody at a shell meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from benchmarks.plant.servers import PostgresServer, rows_of
from commands.command_line import run_command
from line.config import load
from line.errors import BadInput
from tests.made_run import make_run
from tests.running_line import ROOT


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What the one line says."""
    assert run_command(["sink", *map(str, words)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def test_several_runs_are_filled_in_and_once_again(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / name) for name in ("a", "b")]
    for _ in range(2):
        assert run_command(["sink", "postgres", *map(str, runs), "--dsn", dsn]) == 0
        assert capsys.readouterr().out.count("9 rows are in the database") == 2
    query = "SELECT name, count(*) FROM scrapline.items JOIN scrapline.runs USING (run) GROUP BY 1"
    assert sorted(rows_of(dsn, query)) == [("a", 9), ("b", 9)]


def test_the_variables_of_libpq_say_where_the_database_is(
    dsn: str, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in dsn.split():
        key, _, value = part.partition("=")
        monkeypatch.setenv({"dbname": "PGDATABASE"}.get(key, f"PG{key.upper()}"), value)
    assert run_command(["sink", "postgres", str(run_dir)]) == 0
    assert rows_of(dsn, "SELECT count(*) FROM scrapline.items") == [(9,)]


@pytest.mark.parametrize("out", [None, "mine.parquet"])
def test_a_file_is_written_where_it_was_asked_for(
    run_dir: Path, capsys: pytest.CaptureFixture[str], out: str | None
) -> None:
    path = run_dir / (out or "results.parquet")
    options = [] if out is None else ["--out", str(path)]
    assert run_command(["sink", "parquet", str(run_dir), *options]) == 0
    assert path.read_bytes().startswith(b"PAR1")
    assert "9 rows" in capsys.readouterr().out


def test_what_is_asked_for_wrongly_is_refused(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (("tape", run_dir), "sink tape: must be postgres, mqtt or parquet"),
        (("postgres", run_dir, "--out", "x"), "--out: of parquet alone"),
        (("parquet", run_dir, "--dsn", "x"), "--dsn: of postgres alone"),
        (("parquet", run_dir, run_dir, "--out", "x"), "--out: is one file"),
        (("parquet", tmp_path), "not a run folder (no results.csv)"),
        (("postgres", tmp_path), "not a run folder (no settings.json)"),
        (("parquet", run_dir, "--out", tmp_path / "no" / "x"), "no/x: No such file"),
    ):
        assert said in refused(capsys, *words)


def test_a_database_that_refuses_is_one_line(
    server: PostgresServer, dsn: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"u_{uuid4().hex[:8]}"
    with psycopg.connect(dsn) as db:
        db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'right'".encode())
    tcp = f"host=127.0.0.1 port={server.port} user={name} dbname=postgres"
    for other, said in (
        (f"{dsn} dbname=nowhere", 'database "nowhere" does not exist'),
        (f"{dsn} user={name}", "permission denied for database"),
        ("host=127.0.0.1 port=1 user=x dbname=x", "refused"),
        ("nonsense", 'missing "=" after "nonsense"'),
        (tcp, "no password supplied"),
    ):
        assert said in refused(capsys, "postgres", run_dir, "--dsn", other)


def test_a_wrong_password_is_one_line_that_does_not_show_it(
    server: PostgresServer,
    dsn: str,
    run_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with psycopg.connect(dsn) as db:
        db.execute("CREATE ROLE asker LOGIN PASSWORD 'right'")
    monkeypatch.setenv("PGPASSWORD", "wrong-one")
    tcp = f"host=127.0.0.1 port={server.port} user=asker dbname=postgres"
    said = refused(capsys, "postgres", run_dir, "--dsn", tcp)
    assert 'password authentication failed for user "asker"' in said
    assert "wrong-one" not in said


@pytest.mark.parametrize(
    "dsn",
    [
        "host=x password=hidden",
        "host=x PASSWORD = hidden",
        "postgresql://anna:hidden@db/plant",
        "postgresql://db/plant?password=hidden",
    ],
)
def test_no_password_comes_from_where_others_could_read_it(
    dsn: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "postgres", run_dir, "--dsn", dsn)
    assert "--dsn: holds a password" in said
    assert "hidden" not in said
    with pytest.raises(BadInput, match=r"postgres\.dsn: holds a password") as error:
        load(assignments=[f"postgres.dsn={dsn}"], environment={})
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("dsn", ["postgresql://anna@db:5432/plant", "host=db user=a passfile=x"])
def test_a_connection_string_without_one_is_accepted(dsn: str) -> None:
    settings = load(assignments=[f"postgres.dsn={dsn}"], environment={})
    assert settings.postgres.dsn == dsn


_WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("psycopg", "pyarrow", "paho"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from commands.command_line import run_command
sys.exit(run_command(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("postgres", "sink postgres RUN_DIR"),
        ("parquet", "sink parquet RUN_DIR"),
        ("mqtt", "sink mqtt RUN_DIR"),
        ("postgres", "run --items 3 --run-dir NEW --set postgres.enabled=true"),
        ("mqtt", "run --items 3 --run-dir NEW --set mqtt.enabled=true"),
    ],
)
def test_a_python_without_the_package_is_told_what_brings_it(
    kind: str, words: str, run_dir: Path, tmp_path: Path
) -> None:
    words = words.replace("RUN_DIR", str(run_dir)).replace("NEW", str(tmp_path / "new"))
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *words.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"install it with: pip install -r requirements/{kind}.txt" in ended.stderr
    assert not (tmp_path / "new").exists()
