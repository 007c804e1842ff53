"""A process of the line whose run folder is not what it should be says so in one line."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from line.config import load
from line.model.facts import FILE as MODEL_FILE
from line.model.facts import ModelFacts
from line.process import context
from line.process.control_channel import ControlChannel
from tests.running_line import ROOT, TIMEOUT_S

MODULES = (("sinks", "csv_log"), ("line.dispatch", "dispatcher"), ("workers", "worker-0"))


def prepared(run_dir: Path) -> None:
    run_dir.mkdir()
    (run_dir / "settings.json").write_text(load(environment={}).model_dump_json())
    facts = ModelFacts(path="a.onnx", sha256="0" * 64, classes=("glass",))
    (run_dir / MODEL_FILE).write_text(facts.model_dump_json())


def started(run_dir: Path, module: str, name: str, theirs: socket.socket) -> tuple[int, str]:
    """Exit status, and what it printed."""
    given = context.arguments("sink", name, 0, 1, run_dir, run_dir, theirs.fileno())
    ran = subprocess.run(
        [sys.executable, "-m", module, *given],
        cwd=ROOT,
        pass_fds=(theirs.fileno(),),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(("module", "name"), MODULES)
@pytest.mark.parametrize("file", ["settings.json", MODEL_FILE])
def test_a_damaged_file_of_the_run_is_one_line(
    tmp_path: Path, module: str, name: str, file: str
) -> None:
    prepared(tmp_path / "run")
    content = (tmp_path / "run" / file).read_bytes()
    (tmp_path / "run" / file).write_bytes(content[: len(content) // 2])
    ours, theirs = ControlChannel.pair()
    with theirs:
        status, said = started(tmp_path / "run", module, name, theirs)
    (note,) = ours.receive()
    ours.close()
    assert status == 2
    assert note["kind"] == "error"
    assert str(tmp_path / "run") in note["text"]
    assert "Traceback" not in said
    assert said == f"{note['text']}\n"


def test_a_folder_in_the_place_of_the_settings_is_one_line(tmp_path: Path) -> None:
    prepared(tmp_path / "run")
    (tmp_path / "run" / "settings.json").unlink()
    (tmp_path / "run" / "settings.json").mkdir()
    ours, theirs = ControlChannel.pair()
    with theirs:
        status, said = started(tmp_path / "run", "sinks", "csv_log", theirs)
    ours.close()
    assert status == 2
    assert said.count("\n") == 1
