"""Processes that fail again and again or cannot be started: the line goes on, or ends in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broken_process import break_processes
from tests.running_line import ROOT, TIMEOUT_S, RunningLine, assert_accounted, poll

FAILS_SOON = """
run_dir = next(a.partition("=")[2] for a in sys.orig_argv if a.startswith("--run-dir="))
results = run_dir + "/results.csv"
while not os.path.exists(results) or os.path.getsize(results) < 900:
    time.sleep(0.05)
time.sleep(0.5)
print("Trouble: the same each time", file=sys.stderr, flush=True)
os._exit(1)
"""


def run_json(line: RunningLine) -> dict[str, object]:
    found: dict[str, object] = json.loads((line.run_dir / "run.json").read_text())
    return found


@pytest.mark.parametrize("name", ["csv_log", "worker-0"])
def test_one_that_fails_again_and_again_ends_the_run_in_one_line(
    name: str, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves until there are a few rows, and for a moment in each later life."""
    break_processes(monkeypatch, tmp_path / "site", (name,), FAILS_SOON)
    options = ("--model", tiny_model, "--interval", 0.1, "--workers", 1, "--quiet")
    with RunningLine(tmp_path / "run", *options, "--set", "supervisor.failed_starts=3") as line:
        _, said = line.communicate()
        assert line.returncode == 4
        (words,) = said.splitlines()
        assert f"{name} was given up: it " in words
        assert "3 times in a row" in words
        assert "exit status 1 (Trouble: the same each time)" in words
        assert run_json(line)["ended"] == "died"


def test_an_interrupt_ends_a_line_whose_camera_never_gets_to_feed(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "time.sleep(0.3)\nos._exit(1)"
    break_processes(monkeypatch, tmp_path / "site", ("camera-0",), code)
    options = ("--model", tiny_model, "--workers", 1, "--set", "supervisor.failed_starts=100")
    with RunningLine(tmp_path / "run", *options) as line:
        entries = lambda: {e["name"]: e["incarnation"] for e in line.processes()}  # noqa: E731
        poll(lambda: entries().get("camera-0", 0) >= 3, "the camera was started three times")
        line.interrupt()
        line.communicate()
        assert run_json(line)["ended"] == "drained"
        assert run_json(line)["fed"] == 0


def test_a_line_does_without_the_folder_of_its_logs(tmp_path: Path, tiny_model: Path) -> None:
    options = ("--model", tiny_model, "--interval", 0.05, "--workers", 1, "--duration", 36_000)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        shutil.rmtree(line.run_dir / "logs")
        (line.run_dir / "logs").write_text("in the way")
        for name in ("worker-0", "csv_log", "camera-0"):
            killed = line.kill(name)
            poll(lambda n=name, k=killed: line.pid(n) not in (None, k), f"{name} comes back")
        line.wait_for_rows(line.rows_written() + 10)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())


@pytest.mark.parametrize("descriptors", [20, 26])
def test_without_descriptors_the_run_ends_in_one_line(
    descriptors: int, tmp_path: Path, tiny_model: Path
) -> None:
    """With twenty the supervisor has too few for its children, with 26 they have too few."""
    limit = ("prlimit", f"--nofile={descriptors}:{descriptors}")
    options = ("--quiet", "--items", 20, "--model", tiny_model, "--run-dir", tmp_path / "run")
    setting = ("--set", "supervisor.failed_starts=2")
    command = [*limit, sys.executable, ROOT / "run_line.py", "run", *options, *setting]
    said = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        env={**os.environ, "COLUMNS": "500"},
    )
    lines = said.stderr.splitlines()
    (words,) = [line for line in lines if " was given up: " in line]
    assert "Too many open files" in words
    assert len(lines) <= 2  # the other one says that there are no results, if it came to none
    assert said.returncode == 4
    assert (tmp_path / "run" / "run.json").is_file()
