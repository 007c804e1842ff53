"""A run folder that is not for everybody: who may not read it is told so in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from commands.command_line import run_command as main
from commands.run_setup.replaying import replay_of
from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from line.run_files.run_folder import classes_of
from line.supervise.resume import reopen
from reports.comparison.compared_run import read
from reports.folder import read_run
from tests.reports.test_folder import FACTS, mixed_rows, write_run

NOBODY = 65534


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    path = write_run(tmp_path / "run", mixed_rows(), {**FACTS, "ended": "drained"})
    facts = ModelFacts(path="m.onnx", sha256="ab" * 32, classes=("glass",))
    (path / FILE).write_text(facts.model_dump_json())
    return path


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Whom permissions bind; root is not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def replayed(run_dir: Path) -> object:
    return replay_of(run_dir, {}, with_faults=False)


@pytest.mark.parametrize("reader", [read_run, read, reopen, replayed, classes_of])
def test_a_folder_that_is_closed_to_the_reader_is_named(
    reader: Callable[[Path], object], run_dir: Path
) -> None:
    run_dir.chmod(0)
    try:
        with as_somebody_else(), pytest.raises(BadInput) as refused:
            reader(run_dir)
    finally:
        run_dir.chmod(0o750)
    said = str(refused.value)
    assert said.endswith(": Permission denied")
    assert said.startswith(str(run_dir))
    assert "\n" not in said


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (read_run, "run.json"),
        (read_run, "alerts.jsonl"),
        (reopen, "run.json"),
        (reopen, "results.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    reader: Callable[[Path], object], name: str, run_dir: Path
) -> None:
    (run_dir / name).unlink(missing_ok=True)
    (run_dir / name).mkdir()
    with pytest.raises(BadInput) as refused:
        reader(run_dir)
    said = str(refused.value).lower()
    assert said.startswith(f"{run_dir / name}: is a ".lower())
    assert "\n" not in said


@pytest.mark.parametrize("name", ["explain", "diff", "replay", "report"])
def test_the_commands_say_it_in_one_line(
    name: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [name, str(run_dir), *([str(run_dir)] if name == "diff" else [])]
    run_dir.chmod(0)
    try:
        with as_somebody_else():
            status = main(arguments)
    finally:
        run_dir.chmod(0o750)
    said = capsys.readouterr().err
    assert status == 2
    assert str(run_dir) in said
    assert said.endswith((": Permission denied\n", "is not readable.\n"))
    assert said.count("\n") == 1


def test_who_may_read_a_run_but_write_nothing_there_is_told_so_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TemporaryDirectory() as folder:
        run_dir = write_run(Path(folder) / "run", mixed_rows())
        Path(folder).chmod(0o755)
        run_dir.chmod(0o555)
        with as_somebody_else():
            status = main(["report", str(run_dir)])
        run_dir.chmod(0o755)
    said = capsys.readouterr().err
    assert (status, said) == (
        2,
        f"error: {run_dir}: has no place for the accounts: Permission denied\n",
    )
