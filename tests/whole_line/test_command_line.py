"""The command line against what a shell may hand it: one line of complaint, exit status 2."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands.run_setup.settings import checked_model
from line.config import ROOT, load
from line.errors import BadInput
from line.observe.control_client import Control
from line.run_files.review_file import ReviewFile
from line.settings import Settings
from line.supervise import runner
from run_line import main
from tests.made_run import make_run

TOO_LONG = "x" * 5000


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was said."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


# -- orders ---------------------------------------------------------------------------------------


@pytest.fixture
def line_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The line's end of the next connection; the answer to its first order waits there."""
    ours, theirs = socket.socketpair()
    refusal = {"kind": "answer", "id": 1, "done": False, "reason": "pause takes nothing"}
    ours.sendall(json.dumps(refusal).encode() + b"\n")
    monkeypatch.setattr(Control, "of", lambda run_dir: Control(run_dir, theirs, run_dir))
    with ours:
        yield ours


@pytest.mark.parametrize(
    ("fact", "sent"), [("who=me", {"who": "me"}), ("self=1", {"self": 1}), ("id=7", {"id": 7})]
)
def test_the_line_itself_refuses_facts_it_does_not_know(
    fact: str,
    sent: dict[str, Any],
    line_end: socket.socket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["order", str(tmp_path), "pause", fact]) == 2
    assert complaint(capsys) == "error: pause takes nothing\n"
    assert json.loads(line_end.recv(1 << 16))["order"] == {"action": "pause", **sent}


def test_an_order_has_one_action(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["order", str(tmp_path), "pause", "action=drain"]) == 2
    assert "action=drain: the action is named once" in complaint(capsys)


# -- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--source", TOO_LONG],
        ["check", "--scenario", TOO_LONG],
        ["check", "--model", TOO_LONG],
        ["classify", TOO_LONG],
        ["run", "--items", "1", "--run-dir", TOO_LONG],
        ["run", "--source", TOO_LONG],
    ],
    ids=lambda arguments: " ".join(arguments[:-1]),
)
def test_a_path_that_is_too_long_is_named(
    arguments: list[str], tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = [] if "--model" in arguments else ["--model", str(tiny_model)]
    assert main([*arguments, *model]) == 2
    said = complaint(capsys)
    assert TOO_LONG[:200] in said
    assert "File name too long" in said


def _fails(error: OSError) -> Callable[..., None]:
    def raises(*_: object) -> None:
        raise error

    return raises


def test_a_folder_that_may_not_be_looked_into_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = PermissionError(13, "Permission denied", "/closed/scenario.toml")
    monkeypatch.setattr(Path, "is_file", _fails(denied))
    assert main(["check", "--scenario", "/closed/scenario.toml"]) == 2
    assert complaint(capsys) == "error: /closed/scenario.toml: Permission denied\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(24, "Too many open files"), "error: Too many open files\n"),
        (BrokenPipeError(32, "Broken pipe", "out"), "error: out: Broken pipe\n"),
        (BrokenPipeError(32, "Broken pipe"), "error: Broken pipe\n"),
    ],
)
def test_an_error_of_the_system_is_one_line_whether_or_not_it_names_a_file(
    error: OSError,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Path, "is_file", _fails(error))
    assert main(["check", "--scenario", "demo"]) == 2
    assert complaint(capsys) == said
    assert capsys.readouterr().err == ""


# -- the review queue -----------------------------------------------------------------------------


def _spoil(queue: Path, table: str) -> None:
    """Overwrites the first page of a table."""
    with closing(sqlite3.connect(queue)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((page,),) = database.execute(query, (table,)).fetchall()
        ((size,),) = database.execute("PRAGMA page_size").fetchall()
    with queue.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_an_override_names_a_damaged_queue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = make_run(tmp_path / "run")
    _spoil(run_dir / "review" / "queue.sqlite", "labels")
    assert main(["override", str(run_dir), "0-1", "glass"]) == 2
    assert f"{run_dir}/review/queue.sqlite: database disk image is malformed" in complaint(capsys)


def test_an_override_names_a_queue_that_cannot_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = make_run(tmp_path / "run")
    queue = run_dir / "review" / "queue.sqlite"
    queue.unlink()
    queue.mkdir()
    assert main(["override", str(run_dir), "0-1", "glass"]) == 2
    assert f"{queue}: is not a regular file" in complaint(capsys)


def test_who_may_only_read_the_queue_is_told_so(tmp_path: Path) -> None:
    with ReviewFile(make_run(tmp_path / "run") / "review") as queue:
        queue.select("PRAGMA query_only = ON")
        refused = r"queue\.sqlite: attempt to write a readonly database"
        with pytest.raises(BadInput, match=refused):
            queue.label("0-1", "glass", "eva")
        with pytest.raises(BadInput, match=refused):
            queue.withdraw(1, "eva")


def test_a_withdrawal_names_a_damaged_queue(tmp_path: Path) -> None:
    run_dir = make_run(tmp_path / "run")
    _spoil(run_dir / "review" / "queue.sqlite", "withdrawn")
    with (
        ReviewFile(run_dir / "review") as queue,
        pytest.raises(BadInput, match=r"queue\.sqlite: database disk image is malformed"),
    ):
        queue.withdraw(1, "eva")


# -- how long a run is fed --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "duration_s"),
    [
        ([], 0),
        (["--order", "once"], 0),
        (["--order", "random"], 5),
        (["--set", 'source.order="random"'], 5),
        (["--order", "random", "--items", "3"], 0),
        (["--order", "random", "--duration", "2"], 2),
        (["--duration", "2"], 2),
    ],
)
def test_a_folder_is_fed_to_its_end_if_it_has_one(
    options: list[str],
    duration_s: float,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (12, 9)).save(tmp_path / "pictures" / "1.png")
    (tmp_path / "short.toml").write_text("[line]\nduration_s = 5\n")
    begun: list[Settings] = []

    def run(settings: Settings, *_: object, **__: object) -> runner.Ended:
        begun.append(settings)
        raise BadInput("enough")

    monkeypatch.setattr(runner, "run", run)
    places = ["--run-dir", str(tmp_path / "run"), "--source", str(tmp_path / "pictures")]
    given = [*places, "--scenario", str(tmp_path / "short.toml"), "--model", str(tiny_model)]
    assert main(["run", "--quiet", *given, *options]) == 2
    assert [settings.line.duration_s for settings in begun] == [duration_s]


def test_what_is_passed_over_in_a_folder_is_said(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    (folder / "__MACOSX").mkdir(parents=True)
    Image.new("RGB", (12, 9)).save(folder / "1.png")
    for name in ("._1.png", "2.HEIC", "3.HEIC", "4.gif"):
        (folder / name).touch()
    said = f"{folder}: passed over 2 .HEIC, 1 .gif, 1 folder of the system's own, 1 hidden\n"
    for command in (["classify", str(folder)], ["check", "--source", str(folder)]):
        assert main([*command, "--model", str(tiny_model)]) == 0
        assert capsys.readouterr().err == said
    settings = load(options=[("source.spec", str(folder)), ("model.path", str(tiny_model))])
    checked_model(settings, silent=True)
    assert capsys.readouterr().err == ""


def test_a_command_loads_no_other_commands_modules() -> None:
    asked = (
        "import sys; from commands.command_line import run_command\n"
        "run_command(['order', '--help'])\n"
        "print({'numpy', 'zmq', 'simpy', 'commands.run'} & sys.modules.keys())"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.splitlines()[-1] == "set()"
