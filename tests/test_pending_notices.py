"""News of the line outlives the runner that could not get rid of it; and what cannot be read on a
leash is counted."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from line.child import Child, Place
from line.errors import BadInput
from line.leash import Note
from line.run_folder import RunFolder
from line.session import Session
from tests.running_line import RunningLine, poll
from tests.test_resume import ResumedLine, kill_everybody

NEWS = "restart-worker-0#1"


def pending(run_dir: Path) -> dict[str, dict[str, str]]:
    try:
        return Session.load(run_dir).notices
    except BadInput:
        return {}


def told(run_dir: Path) -> list[str]:
    lines = (run_dir / "alerts.jsonl").read_text().splitlines()
    return [json.loads(line)["id"] for line in lines]


def test_news_that_the_alerts_sink_lacks_is_told_by_the_next_runner(
    tmp_path: Path, tiny_model: Path
) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 100, "--interval", 0.05, "--model", tiny_model)
    with RunningLine(run_dir, *options, "--set", "supervisor.hang_s=60") as line:
        line.wait_for_rows(5)
        line.kill("alerts", signal.SIGSTOP)
        line.kill("worker-0")
        poll(lambda: NEWS in pending(run_dir), "the news in session.json")
        assert NEWS not in told(run_dir)
        kill_everybody(line)
    with ResumedLine(run_dir) as again:
        status, _ = again.finish()
    assert status == 0
    assert told(run_dir).count(NEWS) == 1
    assert pending(run_dir) == {}


def test_what_the_supervisor_cannot_read_counts_with_what_the_child_ignored(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.logs.mkdir()
    place = Place("worker", "worker-0", 0, "tests.garbling_child")
    child = Child(place, 1, folder, tmp_path)
    notes: list[Note] = []
    poll(lambda: notes.extend(child.notes()) or notes, "a note")
    poll(child.ended, "the end")
    child.close()
    assert notes == [{"kind": "beat", "malformed": 3}]
