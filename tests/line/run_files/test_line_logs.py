"""events.jsonl: what happens to the line itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from line.run_files.line_logs import EVENTS, EventLog, LineFile
from tests.running_line import ROOT, TIMEOUT_S


def events(run_dir: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (run_dir / EVENTS).read_text().splitlines()]


def test_an_event_is_one_line_and_written_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append("restart-worker-0#1", "restart", "worker-0 killed by SIGKILL, restarted")
    log.append("restart-worker-0#1", "restart", "again")
    log.append("given_up-worker-0#2", "given_up", "two\nlines, \x1b[31m, \ud800")
    first, second = events(tmp_path)
    assert first.keys() == {"id", "event", "text", "at"}
    assert (first["id"], first["event"]) == ("restart-worker-0#1", "restart")
    assert first["at"].endswith("+00:00")
    assert second["text"] == "two lines, \\x1b[31m, \\ud800"


def test_a_line_that_a_power_cut_tore_is_cut_off(tmp_path: Path) -> None:
    EventLog(tmp_path).append("a", "restart", "first")
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b'{"id": "b", "eve')
    EventLog(tmp_path).append("c", "restart", "third")
    assert [event["id"] for event in events(tmp_path)] == ["a", "c"]


def test_what_finds_no_room_waits_bounded_and_is_written_when_there_is_some(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _WRITES_PAST_A_LIMIT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert said.stderr == ""
    assert said.returncode == 0
    lines = (tmp_path / "lines").read_bytes().splitlines()
    assert lines[0] == b"0" * 99
    assert len(lines) == 1001  # the newest thousand of those that had to wait
    assert lines[-1] == b"x4999"


_WRITES_PAST_A_LIMIT = """
import resource, signal, sys
from pathlib import Path
from line.run_files.line_logs import LineFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = LineFile(Path(sys.argv[1]) / "lines")
file.append(b"0" * 99 + b"\\n")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (101, hard))
for number in range(5000):
    file.append(b"x%d\\n" % number)
assert (Path(sys.argv[1]) / "lines").stat().st_size == 100
assert file.behind == 1000, file.behind
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
file.flush()
assert file.behind == 0
"""


def test_neither_a_pipe_nor_a_link_nor_a_missing_folder_holds_anybody_up(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(elsewhere)
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path / "missing" / "file", tmp_path):
        file = LineFile(path)
        file.append(b"a line\n")
        assert file.behind == 1
    assert not elsewhere.exists()
