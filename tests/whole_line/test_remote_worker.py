"""Workers on other machines, here over the loopback: they work, die, leave, and come back."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.broken_process import break_processes
from tests.ports import free_port
from tests.remote_workers import PATIENCE_S, RemoteWorker, new_keys, remote_options
from tests.running_line import RunningLine, assert_accounted, called, poll
from tests.tiny_model import write_tiny_model

PATIENT = ("--set", "supervisor.hang_s=60", "--set", "worker.lease_s=60")
"""Nobody is taken for dead because the machine is busy."""
STRICT = ("--set", "supervisor.hang_s=60", "--set", "worker.lease_s=5")
"""So is nobody but a worker that keeps a frame: a dispatcher that starts again misses no worker."""


class Site:
    """A folder of keys, an address, a model: what a line and its remote workers agree on."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.model = model
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.keys = new_keys(folder / "keys", "press", "mill")

    def line(self, workers: int, items: int = 0, *options: object) -> RunningLine:
        """Without `items` it feeds until `drained`: what is waited for may take its time."""
        return RunningLine(
            self.folder / "run",
            *("--model", self.model, "--workers", workers, "--items", items),
            *remote_options(self.address, self.keys),
            *(options or ("--interval", 0.04)),
        )

    def worker(self, name: str = "press", *, prefix: Sequence[str] = ()) -> RemoteWorker:
        keys = self.keys / f"for-{name}"
        options = ("--connect", self.address, "--keys", keys, "--model", self.model)
        return RemoteWorker(self.folder / f"{name}.log", *options, prefix=prefix)

    def facts(self) -> dict[str, int]:
        facts: dict[str, int] = json.loads((self.folder / "run" / "run.json").read_text())
        return facts

    def text(self, name: str) -> str:
        """A file of the run; empty before it exists."""
        path = self.folder / "run" / name
        return path.read_text() if path.exists() else ""

    def events(self) -> str:
        return self.text("events.jsonl")

    def answered_by(self, name: str) -> int:
        """Rows so far that a worker of this name answered."""
        return self.text("results.csv").count(f",{name}#")


def drained(line: RunningLine) -> tuple[dict[str, Any], pd.DataFrame]:
    """Stops the infeed, waits for the end; summary and rows, of which none is missing."""
    line.interrupt()
    return finished(line)


def finished(line: RunningLine) -> tuple[dict[str, Any], pd.DataFrame]:
    """As `drained`, of a line that ends by itself."""
    status, summary = line.finish()
    rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    return summary, rows


def wait_until(condition: Callable[[], Any], what: str) -> None:
    poll(condition, what, PATIENCE_S)


@pytest.fixture
def site(tmp_path: Path, tiny_model: Path) -> Site:
    return Site(tmp_path, tiny_model)


@pytest.fixture
def press(site: Site) -> Iterator[RemoteWorker]:
    with site.worker() as worker:
        yield worker


def test_a_line_without_workers_waits_for_one_that_does_all_the_work(site: Site) -> None:
    with site.line(0, 80, "--interval", 0.04, *PATIENT) as line:
        wait_until(lambda: line.pid("camera-0"), "the line starts")
        with site.worker() as press:
            summary, rows = finished(line)
            assert summary["items"]["fed"] == 80
            answered = rows.dropna(subset=["worker"])
            assert len(answered) > 0
            assert answered["worker"].str.fullmatch(r"press#\d{6}").all()
            assert answered["worker"].nunique() == 1
            assert (answered["queue_ms"] >= answered["dispatched_ms"]).all()
            assert (answered["dispatched_ms"] >= answered["published_ms"]).all()
            assert site.facts()["refused_connections"] == 0
            press.wait_for("trying")
            assert press.leave() == 0
            assert press.said().count("joined") == 1


def test_remote_and_local_workers_share_the_work_and_one_that_leaves_finishes_what_it_holds(
    site: Site, press: RemoteWorker
) -> None:
    with site.line(1, 0, "--speed", "max", *PATIENT) as line, site.worker("mill") as mill:
        for name in ("worker-0", "press", "mill"):
            wait_until(lambda name=name: site.answered_by(name), f"{name} works")
        assert mill.leave() == 0
        assert mill.said().endswith("mill: left\n")
        summary, rows = drained(line)
        assert sum(summary["verdicts"].get(v, 0) for v in ("expired", "failed", "dropped")) == 0
        assert set(rows["worker"].str.partition("#")[0]) == {"worker-0", "press", "mill"}
        assert set(rows["attempts"]) == {1}
        assert "remote_lost" not in site.events()
        assert press.leave() == 0


FAILS_WHEN_PRESS_WORKS = """
run_dir = next(a.partition("=")[2] for a in sys.orig_argv if a.startswith("--run-dir="))
results = run_dir + "/results.csv"
while not (os.path.exists(results) and ",press#" in open(results).read()):
    time.sleep(0.05)
os._exit(1)
"""


def test_remote_workers_serve_on_when_the_local_ones_were_given_up(
    site: Site, press: RemoteWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_processes(monkeypatch, tmp_path / "site", ("worker-0",), FAILS_WHEN_PRESS_WORKS)
    given = ("--speed", "max", "--set", "supervisor.failed_starts=3")
    with site.line(1, 0, *given, *PATIENT) as line:
        wait_until(lambda: "worker-0 was given up" in site.events(), "worker-0 is given up")
        answered = site.answered_by("press")
        wait_until(lambda: site.answered_by("press") > answered + 20, "press serves on")
        drained(line)
        assert press.leave() == 0


def test_what_a_dead_worker_held_goes_to_others(site: Site, press: RemoteWorker) -> None:
    with site.line(1, 0, "--speed", "max", *STRICT) as line:
        wait_until(lambda: site.answered_by("press"), "it works")
        press.send_signal(signal.SIGKILL)
        wait_until(lambda: "its frames go to others" in site.events(), "it is missed")
        summary, _ = drained(line)
        assert summary["verdicts"].get("failed", 0) == 0


def test_what_a_frozen_worker_held_goes_to_others_and_it_takes_up_its_work_again(
    site: Site, press: RemoteWorker
) -> None:
    with site.line(1, 0, "--speed", "max", *STRICT) as line:
        wait_until(lambda: site.answered_by("press"), "it works")
        press.send_signal(signal.SIGSTOP)
        wait_until(lambda: "its frames go to others" in site.events(), "it is missed")
        before = site.answered_by("press")
        press.send_signal(signal.SIGCONT)
        wait_until(lambda: site.answered_by("press") > before + 5, "it works again")
        summary, _ = drained(line)
        assert summary["verdicts"].get("failed", 0) == 0


def test_a_worker_comes_back_by_itself_when_the_dispatcher_was_killed(
    site: Site, press: RemoteWorker
) -> None:
    patient = ("--set", "supervisor.hang_s=20", "--set", "worker.lease_s=60")
    with site.line(0, 0, "--speed", "max", *patient) as line:
        wait_until(lambda: site.answered_by("press"), "it works")
        assert line.kill("dispatcher") is not None
        wait_until(lambda: _identities(line) >= 2, "it works again, under another identity")
        summary, _ = drained(line)
        assert press.said().count("joined") >= 2
        assert summary["restarts"]["dispatcher"] >= 1


def _identities(line: RunningLine) -> int:
    path = line.run_dir / "results.csv"
    return len(set(re.findall(r",(press#\d{6}),", path.read_text()))) if path.exists() else 0


@pytest.mark.parametrize("ahead_s", [-3000, 90_000])
def test_the_machines_need_not_share_a_clock(site: Site, ahead_s: int) -> None:
    another_clock = ("unshare", "--time", f"--monotonic={ahead_s}", "--fork", "--kill-child")
    if shutil.which("unshare") is None or subprocess.run([*another_clock, "true"]).returncode:
        pytest.skip("no time namespaces")
    with site.worker(prefix=another_clock), site.line(0) as line:
        wait_until(lambda: site.answered_by("press") > 30, "it works")
        summary, rows = drained(line)
        answered = rows.dropna(subset=["queue_ms"])
        assert answered["queue_ms"].between(0, summary["deadline_ms"]).all()


def test_a_worker_finds_the_model_by_its_hash_outlives_the_run_and_joins_the_next_one(
    site: Site, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    write_tiny_model(models / "a.onnx", ("cat", "dog"))
    (models / "b.onnx").write_bytes(site.model.read_bytes())
    options = ("--connect", site.address, "--keys", site.keys / "for-press", "--model", models)
    with RemoteWorker(tmp_path / "press.log", *options) as press:
        for number in (1, 2):
            site.folder = tmp_path / str(number)
            with site.line(0, 30) as line:
                finished(line)
                press.wait_for("joined", times=number)


def test_strangers_change_nothing_and_are_counted(site: Site, press: RemoteWorker) -> None:
    with site.line(0, 0, "--interval", 0.04, *PATIENT) as line, ExitStack() as stack:
        wait_until(lambda: site.answered_by("press"), "it works")
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100) * 100:
            knock = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            knock.sendall(data)
        theirs = new_keys(site.folder / "theirs", "press")
        wrong = ("--connect", site.address, "--keys", theirs / "for-press", "--model", site.model)
        with RemoteWorker(site.folder / "wrong.log", *wrong) as stranger:
            stranger.wait_for("no line answers there that has the key expected")
        summary, rows = drained(line)
        assert set(rows["attempts"]) <= {0, 1}
        assert summary["restarts"] == dict.fromkeys(summary["restarts"], 0)
        assert site.facts()["refused_connections"] >= 200
        assert site.facts()["malformed_messages"] == 0


# -- wrong input ----------------------------------------------------------------------------------


def test_a_worker_without_the_lines_model_says_so_and_ends(site: Site, tmp_path: Path) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", ("cat", "dog"))
    options = ("--connect", site.address, "--keys", site.keys / "for-press", "--model", other)
    with site.line(1, 0), RemoteWorker(tmp_path / "w.log", *options) as worker:
        assert worker.status() == 2
        assert f"error: {other}: is not the model that the line runs" in worker.said()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--connect", "tcp://127.0.0.1", "--keys", "."), "--connect tcp://127.0.0.1: must be"),
        (("--connect", "ipc:///tmp/x", "--keys", "."), "--connect ipc:///tmp/x: must be"),
        (("--connect", "tcp://127.0.0.1:9", "--keys", "nowhere"), "nowhere: no such folder"),
        (("--connect", "tcp://127.0.0.1:9", "--keys", "tests"), "tests: holds no secret key"),
        (
            ("--connect", "tcp://127.0.0.1:9", "--keys", ".", "--model", "none.onnx"),
            "none.onnx: no such model",
        ),
    ],
)
def test_a_worker_with_bad_arguments_names_them(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    with RemoteWorker(tmp_path / "w.log", *arguments) as worker:
        assert worker.status() == 2
        assert worker.said().startswith(f"error: {complaint}")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--workers", 0), "line.workers: must be 1 or more unless transport.listen is set"),
        (("--set", "transport.listen=tcp://0.0.0.0:5555"), "transport.keys: nobody is let in"),
        (("--set", "transport.listen=0.0.0.0:5555"), "transport.listen: must be tcp://HOST:PORT"),
        (("--set", "transport.listen=tcp://*:0"), "transport.listen: must be tcp://HOST:PORT"),
        (
            remote_options("tcp://127.0.0.1:5555", Path("nowhere")),
            "nowhere/server.key_secret: No such file",
        ),
    ],
)
def test_a_door_without_a_lock_is_refused_in_one_line(
    options: tuple[object, ...], complaint: str
) -> None:
    ran = called("check", *options) if options[0] != "--workers" else called("run", *options)
    assert ran.returncode == 2
    assert complaint in ran.stderr
    assert ran.stderr.count("\n") == 1
