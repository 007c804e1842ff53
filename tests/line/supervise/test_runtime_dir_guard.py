"""A line whose folder of sockets is removed, emptied, or taken by something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from line.observe.control_client import Control
from line.process.runtime_dir import mark
from line.supervise.runtime_dir_guard import SocketFolder
from tests.running_line import RunningLine, poll

RUN = ("--source=procedural", "--interval=0.1", "--workers=1")


def sockets_of(run_dir: Path) -> Path:
    return Path(json.loads((run_dir / "processes.json").read_text())["control"]).parent


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def without_one_socket(folder: Path) -> None:
    (folder / "worker.ipc").unlink()


@pytest.mark.parametrize(
    "lose", [remove, pytest.param(empty, marks=pytest.mark.soak), without_one_socket]
)
def test_a_lost_folder_is_made_again_and_the_line_goes_on(
    tmp_path: Path, tiny_model: Path, lose: Callable[[Path], None]
) -> None:
    with RunningLine(tmp_path / "run", *RUN, f"--model={tiny_model}") as line:
        poll(lambda: line.rows_written() > 5, "rows")
        folder = sockets_of(line.run_dir)
        before = line.pid("dispatcher")
        lose(folder)
        poll(lambda: line.pid("dispatcher") not in (None, before), "another dispatcher")
        line.kill("worker-0")  # which has to come in by the new folder
        written = line.rows_written()
        poll(lambda: line.rows_written() > written + 20, "more rows")
        with Control.of(line.run_dir) as control:
            control.order("drain", "test")
        status, summary = line.finish()
    assert status == 0
    assert (summary["items"]["lost"], summary["items"]["duplicates"]) == (0, 0)
    events = (line.run_dir / "events.jsonl").read_text()
    assert events.count('"sockets_lost"') == 1
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_again_ends_the_run_in_one_line(
    tmp_path: Path, tiny_model: Path
) -> None:
    with RunningLine(tmp_path / "run", *RUN, f"--model={tiny_model}") as line:
        poll(lambda: line.rows_written() > 5, "rows")
        folder = sockets_of(line.run_dir)
        shutil.rmtree(folder)
        folder.write_text("in its place")
        text, errors = line.communicate()
        folder.unlink()
    assert line.returncode == 4
    assert json.loads(text)["ended"] == "died"
    assert errors.count("the folder of sockets is gone and cannot be made again") == 1
    assert "Traceback" not in errors


def test_a_folder_of_somebody_else_is_not_taken(short_dir: Path) -> None:
    run_dir, path = short_dir / "run", short_dir / "scrapline-x"
    run_dir.mkdir()
    path.mkdir(mode=0o700)
    mark(path, run_dir, "0" * 32)
    folder = SocketFolder(path, run_dir, "0" * 32)
    path.chmod(0o755)
    with pytest.raises(PermissionError):
        folder.restore()
    path.chmod(0o700)
    folder.restore()
    shutil.rmtree(path)
    path.symlink_to(run_dir)
    with pytest.raises(OSError, match="not a folder"):
        folder.restore()
    folder.close()
