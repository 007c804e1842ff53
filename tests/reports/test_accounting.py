"""The end of a run: its own status counts, and what cannot be accounted for is one line each."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer

from commands.command_line import run_command as main
from commands.run_setup.accounting import conclude
from line.errors import ExitCode, StageDied
from line.run_files.run_folder import RunFolder
from line.supervise.runner import Ended
from reports import folder as accounts_folder
from reports import report
from tests.reports.test_folder import FACTS, mixed_rows, write_queue, write_run

DIED = Ended("died", StageDied("no worker is left"))


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", mixed_rows(), {**FACTS, "fed": 12})


def concluded(run_dir: Path, ended: Ended) -> int:
    """The exit status that a run ends with."""
    try:
        conclude(ended, RunFolder(run_dir), quiet=True, as_json=False)
    except StageDied as error:
        return int(error.exit_code)
    except typer.Exit as left:
        return int(left.exit_code)
    return 0


def spoil(run_dir: Path, what: str) -> str:
    """Make something impossible; returns what is to be said."""
    if what == "settings":
        (run_dir / "settings.json").write_text("{")
        return f"error: accounts: {run_dir / 'settings.json'}: "
    if what == "rows":
        with (run_dir / "results.csv").open("a") as file:
            file.write("0-99,0\n")
        return f"error: accounts: {run_dir / 'results.csv'}: line 14: 2 cells instead of 23"
    if what == "queue":
        (run_dir / "review").mkdir()
        (run_dir / "review" / "queue.sqlite").write_text("this is no database" * 99)
        return f"error: accounts: {run_dir / 'review' / 'queue.sqlite'}: "
    if what == "alerts":
        (run_dir / "alerts.jsonl").mkdir()
        return f"error: accounts: {run_dir / 'alerts.jsonl'}: "
    (run_dir / "report.html").mkdir()
    return f"error: accounts: {run_dir}"


@pytest.mark.parametrize("what", ["settings", "rows", "queue", "alerts", "page"])
def test_how_a_run_ended_counts_for_more_than_its_accounts(
    what: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run_dir / "results.csv").stat().st_size
    said = spoil(run_dir, what)
    assert concluded(run_dir, DIED) == ExitCode.STAGE_DIED
    errors = capsys.readouterr().err
    assert errors.startswith(said)
    assert errors.count("\n") == 1
    assert concluded(run_dir, Ended("finished")) == ExitCode.BAD_INPUT
    assert (run_dir / "summary.json").exists() == (what not in ("settings", "rows"))
    assert (run_dir / "results.csv").stat().st_size >= before
    assert not list(run_dir.glob(".*.[0-9]*")), "no draft is left"


def test_a_queue_that_another_program_holds_costs_its_own_figure_alone(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_queue(run_dir, {"0-1": ("glass", 0.5)})
    with closing(sqlite3.connect(run_dir / "review" / "queue.sqlite")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert concluded(run_dir, DIED) == ExitCode.STAGE_DIED
    assert "queue.sqlite: database is locked" in capsys.readouterr().err
    assert json.loads((run_dir / "summary.json").read_text())["items"]["logged"] == 12
    assert (run_dir / "report.html").exists()


def test_lost_items_count_for_more_than_a_page(run_dir: Path) -> None:
    (run_dir / "run.json").write_text(json.dumps({**FACTS, "fed": 13}))
    spoil(run_dir, "page")
    assert concluded(run_dir, Ended("finished")) == ExitCode.UNACCOUNTED


def test_a_mistake_of_ours_stands_in_a_log(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any, **__: Any) -> NoReturn:
        raise KeyError("no such\nthing")

    (run_dir / "logs").mkdir()
    monkeypatch.setattr(report, "environment", fails)
    assert concluded(run_dir, DIED) == ExitCode.STAGE_DIED
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: accounts: {run_dir}: KeyError: ")
    assert errors.count("\n") == 1
    assert "Traceback" in (run_dir / "logs" / "accounts.log").read_text()


def test_ctrl_c_leaves_what_was_there(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run_dir)]) == 0
    before = {path.name: path.read_bytes() for path in run_dir.iterdir()}
    capsys.readouterr()

    def interrupted(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(accounts_folder, "tally_of", interrupted)
    assert main(["report", str(run_dir)]) == 130
    assert concluded(run_dir, DIED) == ExitCode.STAGE_DIED
    errors = capsys.readouterr().err
    assert f"to account for the run: run_line.py report {run_dir}" in errors
    assert {path.name: path.read_bytes() for path in run_dir.iterdir()} == before
