"""Who may write in a run folder, also when the files that say so are deleted or lie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from line.errors import BadInput
from line.run_files.process_list import FILE, ProcessEntry, ProcessList, living, start_of
from line.supervise import run_lock
from line.supervise.run_lock import RunLock
from tests.running_line import poll

RUNNER_LOCK, PROCESSES_LOCK = ".runner.lock", ".processes.lock"


def entry(pid: int, name: str = "worker-0", **changed: Any) -> dict[str, Any]:
    role = name.split("-", maxsplit=1)[0]
    made = ProcessEntry(
        name=name,
        role=role,
        pid=pid,
        incarnation=1,
        since="now",
        ready=True,
        started=start_of(pid),
    )
    return {**made.model_dump(), **changed}


def write_list(run_dir: Path, *entries: dict[str, Any]) -> None:
    (run_dir / FILE).write_text(json.dumps({"processes": entries}))


@contextmanager
def sleeper(*arguments: str, fds: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A process with these arguments that does nothing."""
    command = [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)", *arguments]
    with subprocess.Popen(command, pass_fds=fds, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _held(run_dir: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the locks of the folder, as one of an earlier runner does."""
    with RunLock(run_dir) as lock:
        holder = sleeper(*arguments, fds=lock.inherited_fds)
        process = holder.__enter__()
    try:
        yield process
    finally:
        holder.__exit__(None, None, None)


def arguments_in(run_dir: Path, name: str = "worker-0", incarnation: int = 1) -> tuple[str, ...]:
    role = name.split("-", maxsplit=1)[0]
    return (
        f"--role={role}",
        f"--name={name}",
        f"--incarnation={incarnation}",
        f"--run-dir={run_dir}",
    )


def test_an_orphan_is_ended_and_the_folder_is_free(tmp_path: Path) -> None:
    with _held(tmp_path, *arguments_in(tmp_path)) as orphan:
        write_list(tmp_path, entry(orphan.pid))
        assert [found.pid for found in living(tmp_path)] == [orphan.pid]
        with RunLock(tmp_path):
            assert orphan.wait(60) == -9
        assert living(tmp_path) == []


@pytest.mark.parametrize("lost", [(), (RUNNER_LOCK,), (RUNNER_LOCK, PROCESSES_LOCK)])
def test_another_runner_is_refused_also_when_the_lock_files_are_gone(
    tmp_path: Path, lost: tuple[str, ...]
) -> None:
    with RunLock(tmp_path):
        write_list(tmp_path, entry(os.getpid(), "supervisor"))
        for name in lost:
            (tmp_path / name).unlink()
        with pytest.raises(BadInput, match="another runner is at work"), RunLock(tmp_path):
            pass
    with RunLock(tmp_path):
        pass


def test_lost_lock_files_come_back_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "_LOOK_S", 0.0)
    with RunLock(tmp_path) as lock:
        (tmp_path / RUNNER_LOCK).unlink()
        (tmp_path / PROCESSES_LOCK).unlink()
        (tmp_path / PROCESSES_LOCK).mkdir()
        lock.keep()
        assert (tmp_path / RUNNER_LOCK).is_file()
        assert (tmp_path / PROCESSES_LOCK).is_dir(), "it may be somebody's"
        (tmp_path / PROCESSES_LOCK).rmdir()
        lock.keep()
        for fd in lock.inherited_fds:
            os.fstat(fd)
        with pytest.raises(BadInput, match="another runner is at work"), RunLock(tmp_path):
            pass


def test_nobody_is_ended_who_is_not_at_work_for_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list names living processes of this user, each wrong in another way."""
    monkeypatch.setattr(run_lock, "_ORPHANS_LEAVE_S", 0.3)
    run_dir, other = tmp_path / "run", tmp_path / "other"
    run_dir.mkdir()
    other.mkdir()
    with (
        sleeper() as stranger,
        sleeper(*arguments_in(other)) as of_another_run,
        sleeper(*arguments_in(run_dir)[:3], "--of", f"--run-dir={run_dir}") as right,
        _held(run_dir) as unlisted,
    ):
        lists = [
            [entry(stranger.pid)],
            [entry(of_another_run.pid)],
            [entry(right.pid, started=start_of(right.pid) + 1)],
            [entry(right.pid, started=0)],
            [entry(right.pid, "worker-1")],
            [entry(right.pid, "camera-0")],
            [entry(right.pid, incarnation=2)],
            [{**entry(right.pid), "pid": -right.pid}],
            [{**entry(right.pid), "pid": 0}],
            [entry(right.pid), *[entry(right.pid)] * 2000],
        ]
        for listed in lists:
            write_list(run_dir, *listed)
            with pytest.raises(BadInput, match="processes of the earlier run"), RunLock(run_dir):
                pass
        for process in (stranger, of_another_run, right, unlisted):
            assert process.poll() is None
        write_list(run_dir, entry(right.pid))
        with pytest.raises(BadInput, match="processes of the earlier run"), RunLock(run_dir):
            pass
        assert poll(lambda: right.poll() is not None, "the one that is at work there ends")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff" * 100,
        b"[" * 100_000,
        b'{"processes": [7]}',
        b'{"processes": {"pid": 1}}',
        b'{"processes": [], "control": 7}',
        b'{"processes": [], "control": "relative"}',
        b'{"processes": [{"pid": 1e999}]}',
        b'{"processes": [{"pid": ' + b"9" * 5000 + b"}]}",
    ],
)
def test_a_damaged_list_lists_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert ProcessList.found(tmp_path) == ProcessList(processes=())
    assert living(tmp_path) == []
    with RunLock(tmp_path):
        pass


def test_a_list_that_is_no_file_lists_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    assert living(tmp_path) == []
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).symlink_to("/dev/zero")
    assert living(tmp_path) == []


@pytest.mark.parametrize("name", [RUNNER_LOCK, PROCESSES_LOCK])
def test_a_lock_is_taken_on_nothing_but_a_file(tmp_path: Path, name: str) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / name).symlink_to(target)
    with pytest.raises(BadInput, match=f"{name}: is a link"):
        RunLock(tmp_path)
    assert not target.exists()
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name}: is not a regular file"):
        RunLock(tmp_path)
