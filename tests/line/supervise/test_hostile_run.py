"""A run folder that somebody else has made: what its files name is not touched, nor believed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commands.run_setup.resuming import taken_up
from line.errors import BadInput
from line.observe.control_client import Control
from line.process.runtime_dir import FILE as MARK
from line.process.runtime_dir import is_marked, mark, new_token, remove_marked
from line.run_files.session import Session
from run_line import main
from tests.line.supervise.test_resume import ResumedLine
from tests.running_line import RunningLine, assert_accounted, poll

Edit = Callable[[Any], object]


@pytest.fixture(scope="module")
def drained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The folder of a run that could be resumed."""
    run_dir = tmp_path_factory.mktemp("drained") / "run"
    options = ("--items", 60, "--interval", 0.1, "--model", tiny_model, "--cameras", 2)
    options += ("--active-learning",)
    with RunningLine(run_dir, *options) as line:
        line.wait_for_rows(5)
        line.interrupt()
        line.finish()
    return run_dir


@pytest.fixture
def run_dir(drained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drained, tmp_path / "run"))


def edit_json(path: Path, edit: Edit) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder: kind, size, time of the last change, and the bytes of files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        is_file = stat.S_ISREG(facts.st_mode) and facts.st_size < 10**6
        data = path.read_bytes() if is_file else b""
        found[str(path.relative_to(folder))] = (
            facts.st_mode,
            facts.st_size,
            facts.st_mtime_ns,
            data,
        )
    return found


def refusal(run_dir: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line with which the run is refused; nothing below the test's folder has changed."""
    before = snapshot(run_dir.parent)
    assert main(["run", "--resume", str(run_dir), "--json", *options]) == 2
    assert snapshot(run_dir.parent) == before
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.isprintable()
    assert len(line) < 1500
    return line


def change(at_s: float, kind: str = "paused", **facts: object) -> dict[str, object]:
    return {"change": kind, "at_s": at_s, **facts}


def put(*path: str, value: object) -> Edit:
    """An edit that sets one field."""

    def edit(content: Any) -> None:
        for part in path[:-1]:
            content = content[part]
        content[path[-1]] = value

    return edit


MODEL = {"path": "/m.onnx", "sha256": "ab" * 32, "classes": ["a"], "threshold": None}
SESSION: list[tuple[str, tuple[str, ...], object]] = [
    ("number", ("number",), 0),
    ("number", ("number",), 10**18),
    ("number", ("number",), "many"),
    ("runtime_dir", ("runtime_dir",), 7),
    ("runtime_dir", ("runtime_dir",), "a\0b"),
    ("runtime_dir", ("runtime_dir",), "x" * 5000),
    ("token", ("token",), "guess"),
    ("incarnations.worker-0", ("incarnations", "worker-0"), 10**18),
    ("incarnations.worker-0", ("incarnations", "worker-0"), -1),
    ("incarnations", ("incarnations",), {f"worker-{n}": 1 for n in range(5000)}),
    ("restarts.worker", ("restarts",), {"worker": -5}),
    ("injected.0.number", ("injected",), [{"number": -1, "at": "now"}]),
    ("injected.0.number", ("injected",), [{"number": 0, "at": "now"}]),
    ("injected.0.number", ("injected",), [{"number": 10**18, "at": "now"}]),
    ("injected.0.at", ("injected",), [{"number": 0, "at": "x" * 1000}]),
    ("overrides.changes.0.paused.at_s", ("overrides", "changes"), [change(-1.0)]),
    ("overrides.changes.0.paused.at_s", ("overrides", "changes"), [change(float("nan"))]),
    ("overrides.changes.0.paused.at_s", ("overrides", "changes"), [change(float("inf"))]),
    ("overrides.changes.0.paused.at_s", ("overrides", "changes"), [change(1e300)]),
    ("overrides: changes.1.at_s", ("overrides", "changes"), [change(2.0), change(1.0, "unpaused")]),
    (
        "overrides.changes.0.belt_speed.m_per_s",
        ("overrides", "changes"),
        [change(1.0, "belt_speed", m_per_s=1e-300)],
    ),
    (
        "overrides.changes.0.belt_speed.m_per_s",
        ("overrides", "changes"),
        [change(1.0, "belt_speed", m_per_s=1e9)],
    ),
    (
        "overrides.changes.0.clock.multiplier",
        ("overrides", "changes"),
        [change(1.0, "clock", multiplier=0)],
    ),
    ("overrides.changes", ("overrides", "changes"), [change(n / 1e3) for n in range(100_000)]),
    ("overrides.changes.0", ("overrides", "changes"), [{"change": "\x1b[31m", "at_s": 1}]),
    ("overrides.threshold", ("overrides", "threshold"), float("nan")),
    ("overrides.threshold", ("overrides", "threshold"), 2),
    ("overrides.workers", ("overrides", "workers"), 10**6),
    ("overrides.workers", ("overrides", "workers"), 0),
    ("overrides.orders", ("overrides", "orders"), -1),
    ("overrides", ("overrides", "model"), "abcd"),
    ("overrides", ("overrides", "models"), {"abcd": MODEL}),
    ("overrides.models", ("overrides", "models"), {"\x1b[2J": MODEL}),
    ("overrides", ("overrides", "models"), {("ab" * 32)[:12]: MODEL}),
    ("overrides.shadow.share", ("overrides", "shadow"), {"model": MODEL, "share": 1e9}),
    ("overrides", ("overrides", "shadow"), {"model": MODEL, "share": 0.5}),
]


@pytest.mark.parametrize(("field", "path", "value"), SESSION)
def test_a_session_that_nobody_kept_is_refused_by_its_field(
    run_dir: Path,
    capsys: pytest.CaptureFixture[str],
    field: str,
    path: tuple[str, ...],
    value: object,
) -> None:
    edit_json(run_dir / "session.json", put(*path, value=value))
    assert f"session.json: {field}" in refusal(run_dir, capsys)


SETTINGS: list[tuple[str, tuple[str, ...], object]] = [
    ("line.workers", ("line", "workers"), "auto"),
    ("line.workers", ("line", "workers"), 10**18),
    ("line.workers", ("line", "workers"), 0),
    ("line.cameras", ("line", "cameras"), -1),
    ("decision.threshold", ("decision", "threshold"), "model"),
    ("decision.promise.glass", ("decision", "promise"), {"glass": 2}),
    ("decision.promised.0", ("decision", "promised"), [{"model": "x"}]),
    (
        "decision.promised",
        ("decision",),
        {"threshold": 0.5, "promise": {"glass": 0.9}, "promise_labels": "labels.csv"},
    ),
    ("line.duration_s", ("line", "duration_s"), float("nan")),
    ("supervisor.stop_s", ("supervisor", "stop_s"), 1e300),
    ("results.readable_by", ("results", "readable_by"), "everybody"),
    ("console.host", ("console", "host"), "example.org"),
    ("unknown", ("unknown",), {"\x1b[31m": 1}),
]


@pytest.mark.parametrize(("field", "path", "value"), SETTINGS)
def test_settings_that_no_runner_left_are_refused_by_their_field(
    run_dir: Path,
    capsys: pytest.CaptureFixture[str],
    field: str,
    path: tuple[str, ...],
    value: object,
) -> None:
    edit_json(run_dir / "settings.json", put(*path, value=value))
    said = refusal(run_dir, capsys)
    assert "settings.json: " in said
    assert field in said


def test_no_folder_opens_the_line_to_other_machines(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transport = {"listen": "tcp://*:5555", "keys": str(run_dir / "keys")}
    edit_json(run_dir / "settings.json", put("transport", value=transport))
    said = refusal(run_dir, capsys)
    assert "settings.json: transport.listen: the run let in workers of other machines" in said
    assert "add --set transport.listen=tcp://*:5555 --set transport.keys=" in said


def test_no_folder_says_where_else_rows_go(run_dir: Path) -> None:
    edit_json(run_dir / "settings.json", put("postgres", "dsn", value="host=elsewhere"))
    for table in ("postgres", "mqtt"):
        edit_json(run_dir / "settings.json", put(table, "enabled", value=True))
    settings, *_ = taken_up(run_dir, None, None, ())
    assert (settings.postgres.enabled, settings.postgres.dsn) == (False, "")
    assert not settings.mqtt.enabled
    own = ("postgres.enabled=true", "postgres.dsn=host=here", "mqtt.enabled=true")
    settings, *_ = taken_up(run_dir, None, None, own)
    assert (settings.postgres.enabled, settings.postgres.dsn) == (True, "host=here")
    assert settings.mqtt.enabled


def test_a_resumed_run_takes_settings_of_transport_alone(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(run_dir, capsys, "--set", "line.workers=3")
    assert "--resume: goes on with the run's own settings, without --set line.workers" in said
    assert "console.port" in refusal(run_dir, capsys, "--set", "console.port=0")


def test_what_changes_no_row_may_be_said_anew(run_dir: Path) -> None:
    options = ("metrics.port=9137", "supervisor.log_mb=3", "console.port=9138")
    before, *_ = taken_up(run_dir, None, None, ())
    settings, *_ = taken_up(run_dir, None, "off", options)
    assert (settings.metrics.port, settings.supervisor.log_mb) == (9137, 3)
    assert (settings.console.port, settings.console.on) == (9138, "off")
    changed = {"metrics", "supervisor", "console"}
    assert settings.model_dump(exclude=changed) == before.model_dump(exclude=changed)


def _fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent.parent / "victim")


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


READ = ("settings.json", "model.json", "session.json", "run.json")
WRITTEN = ("results.csv", "camera-0.progress", "orders.jsonl", "logs/worker-0.log", ".runner.lock")


@pytest.mark.parametrize(
    ("name", "replace", "said"),
    [
        *((name, _fifo, "is not a regular file") for name in (*READ, *WRITTEN)),
        *((name, _link, "is a link") for name in (*READ, *WRITTEN)),
        *((name, _folder, "is a folder") for name in READ),
        *((name, _huge, "is larger than") for name in READ),
        ("review", _link, "is a link"),
        ("logs/console.log", _link, "is a link"),
        ("alerts.jsonl", _link, "is a link"),
    ],
)
def test_nothing_but_a_file_is_taken_for_a_file_of_the_run(
    run_dir: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    replace: Callable[[Path], None],
    said: str,
) -> None:
    victim = run_dir.parent / "victim"
    victim.write_bytes(b"somebody's")
    if name == "review":
        shutil.rmtree(run_dir / name)
    replace(run_dir / name)
    assert f"{run_dir / name}: {said}" in refusal(run_dir, capsys)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_run_of_another_user_is_not_gone_on_with(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (run_dir / "session.json", run_dir / "logs"):
        os.chown(path, 4711, 4711)
        assert f"{path}: belongs to user 4711" in refusal(run_dir, capsys)
        os.chown(path, 0, 0)


def test_a_model_is_loaded_by_its_hash_and_only_from_a_file(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, Path("/etc/passwd"), tmp_path / "none"):
        edit_json(run_dir / "model.json", put("path", value=str(path)))
        assert str(path) in refusal(run_dir, capsys)
    edit_json(run_dir / "model.json", put("path", value="a\0b"))
    assert "model.json: path: " in refusal(run_dir, capsys)


def test_a_model_that_names_other_classes_meanwhile_is_refused(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_json(run_dir / "model.json", lambda model: model["classes"].reverse())
    assert "names other classes than when the run began" in refusal(run_dir, capsys)


# -- the folder of sockets ------------------------------------------------------------------------


def victim_of(base: Path, name: str = "scrapline-victim") -> Path:
    """A folder that looks like one of sockets, and holds what somebody needs."""
    victim = base / name
    (victim / "inner").mkdir(parents=True)
    (victim / "inner" / "thesis.txt").write_text("years of work")
    victim.chmod(0o700)
    return victim


def test_a_resumed_run_removes_no_folder_that_its_session_names(
    run_dir: Path, tmp_path: Path
) -> None:
    victim = victim_of(tmp_path)
    edit_json(run_dir / "session.json", put("runtime_dir", value=str(victim)))
    with ResumedLine(run_dir) as line:
        status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())
    assert (victim / "inner" / "thesis.txt").read_text() == "years of work"


def test_what_an_earlier_runner_left_is_removed(tmp_path: Path) -> None:
    run_dir, token = tmp_path / "run", new_token()
    run_dir.mkdir()
    left = victim_of(tmp_path)
    mark(left, run_dir, token)
    assert is_marked(left, run_dir)
    assert remove_marked(left, run_dir, token)
    assert not left.exists()
    assert not remove_marked(left, run_dir, token)


@contextmanager
def _marked(base: Path) -> Iterator[tuple[Path, Path, str]]:
    run_dir, token = base / "run", new_token()
    run_dir.mkdir()
    left = victim_of(base)
    mark(left, run_dir, token)
    yield left, run_dir, token
    assert (base / "scrapline-victim" / "inner" / "thesis.txt").is_file()


def test_no_folder_is_removed_that_is_not_the_runs_own(tmp_path: Path) -> None:
    with _marked(tmp_path) as (left, run_dir, token):
        copy = Path(shutil.copytree(run_dir, tmp_path / "copy"))
        link = tmp_path / "scrapline-link"
        link.symlink_to(left)
        elsewhere = victim_of(tmp_path, "thesis")
        shutil.copy(left / MARK, elsewhere)
        pipe = victim_of(tmp_path, "scrapline-pipe")
        os.mkfifo(pipe / MARK)
        damaged = victim_of(tmp_path, "scrapline-damaged")
        (damaged / MARK).write_text("[" * 9999)
        inner = left / "inner"
        for path, folder, word in [
            (left, copy, token),
            (left, run_dir, new_token()),
            (left, run_dir, ""),
            (link, run_dir, token),
            (elsewhere, run_dir, token),
            (pipe, run_dir, token),
            (damaged, run_dir, token),
            (inner, run_dir, token),
            (left / ".." / left.name / "..", run_dir, token),
            (tmp_path, run_dir, token),
            (Path("/"), run_dir, token),
            (Path("gone"), run_dir, token),
        ]:
            assert not remove_marked(path, folder, word), path
        left.chmod(0o755)
        assert not remove_marked(left, run_dir, token)


def test_a_session_goes_on_with_a_token_of_its_own() -> None:
    session = Session(runtime_dir="/a", token=new_token())
    later = session.successor(Path("/b"), new_token())
    assert (later.number, later.runtime_dir) == (2, "/b")
    assert later.token not in ("", session.token)


# -- its control socket ---------------------------------------------------------------------------


def test_orders_go_to_the_line_of_the_folder_alone(tmp_path: Path, tiny_model: Path) -> None:
    """A list of processes that names another line's socket reaches nobody."""
    other = tmp_path / "other"
    (other / "logs").mkdir(parents=True)
    options = ("--items", 300, "--interval", 0.1, "--model", tiny_model)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(2)
        for name in ("processes.json", "session.json", "settings.json"):
            shutil.copy(line.run_dir / name, other / name)
        with pytest.raises(BadInput, match="no line is running there"):
            Control.of(other)
        edit_json(other / "processes.json", put("control", value="/dev/log"))
        with pytest.raises(BadInput, match="no line is running there"):
            Control.of(other)
        with Control.of(line.run_dir) as control:
            (line.run_dir / ".runner.lock").unlink()
            (line.run_dir / ".processes.lock").unlink()
            assert main(["run", "--resume", str(line.run_dir), "--json"]) == 2
            poll((line.run_dir / ".runner.lock").exists, "a lock again")
            control.order("stop", "somebody")
        line.finish()
        assert not Path(control.runtime_dir).exists()
