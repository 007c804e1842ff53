"""A run whose runner was killed goes on where every item stands in every sink."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from line.config import load
from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from line.run_files.lane_record import LaneRecord
from line.run_files.run_folder import RunFolder
from line.run_files.session import Session, elapsed_s
from line.supervise.resume import reopen
from line.supervise.run_lock import RunLock
from tests.reports.test_folder import write_run
from tests.running_line import RunningLine, assert_accounted, called, is_alive, poll


class ResumedLine(RunningLine):
    """The same folder, taken up by another runner."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(run_dir)
        self._command = [*self._command[:3], "--json", f"--resume={run_dir}"]


def kill_everybody(line: RunningLine) -> None:
    processes = line.processes()
    line.kill_runner()
    for process in processes:
        if is_alive(process["pid"]):
            os.kill(process["pid"], signal.SIGKILL)


@pytest.mark.parametrize("speed", [pytest.param("1", marks=pytest.mark.soak), "max"])
def test_a_killed_run_goes_on_twice_in_a_row(speed: str, tmp_path: Path, slow_model: Path) -> None:
    run_dir = tmp_path / "run"
    items = 400  # more than are done before the second one is killed, however slowly that goes
    options = ("--items", items, "--interval", 0.04, "--speed", speed, "--cameras", 2)
    options += ("--workers", 2, "--active-learning")
    with RunningLine(run_dir, *options, "--model", slow_model) as line:
        line.wait_for_rows(20)
        poll(lambda: "#1," in (run_dir / "results.csv").read_text(), "work of the first one")
        line.kill_runner()  # its children are still there when the next one comes
        with ResumedLine(run_dir) as again:
            poll(lambda: "#2," in (run_dir / "results.csv").read_text(), "work of the second one")
            again.wait_for_rows(line.rows_written() + 20)
            kill_everybody(again)
            with ResumedLine(run_dir) as last:
                status, summary = last.finish()
    assert status == 0
    assert_accounted(summary, last.rows())
    assert summary["items"]["fed"] == items
    assert json.loads((run_dir / "run.json").read_text())["sessions"] == 3
    if speed == "max":
        assert not {"dropped", "failed", "expired", "late"} & set(last.rows()["verdict"])
    incarnations = {name.rpartition("#")[2] for name in last.rows()["worker"].dropna()}
    if speed == "max" or "3" in incarnations:
        assert incarnations == {"1", "2", "3"}, "identities go on over the sessions"
    else:  # on a busy machine the third was too late for all that was left
        assert incarnations == {"1", "2"}


def test_a_run_that_was_drained_feeds_on_alone_and_with_its_own_model(
    tmp_path: Path, tiny_model: Path
) -> None:
    run_dir = tmp_path / "run"
    model = Path(shutil.copy(tiny_model, tmp_path / "model.onnx"))

    def refusal() -> str:
        refused = called("run", "--resume", run_dir)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        return refused.stderr

    with RunningLine(run_dir, "--items", 300, "--interval", 0.1, "--model", model) as line:
        line.wait_for_rows(5)
        assert "another runner is at work in this folder" in refusal()
        line.interrupt()
        _, stopped = line.finish()
    assert stopped["ended"] == "drained"
    assert stopped["items"]["fed"] < 300

    sound = model.read_bytes()
    model.write_bytes(sound + b"?")
    assert "model.onnx: changed since the run began" in refusal()
    model.write_bytes(sound)

    with ResumedLine(run_dir) as resumed:
        status, summary = resumed.finish()
    assert (status, summary["ended"], summary["items"]["fed"]) == (0, "finished", 300)
    assert_accounted(summary, line.rows())
    assert "this run has finished; nothing is left to resume" in refusal()


def test_a_lane_whose_file_cannot_be_is_refused_until_the_file_is_removed(
    tmp_path: Path, tiny_model: Path
) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 60, "--interval", 0.05, "--speed", "max", "--model", tiny_model)
    with RunningLine(run_dir, *options) as line:
        line.wait_for_rows(20)
        kill_everybody(line)
    path = run_dir / "camera-0.progress"
    beyond = LaneRecord(low=10**6, fed=10**6, reached_s=1.0, resume_s=1.0)
    for content in (b"\xff" * 1024, beyond.sector(0)):
        path.write_bytes(content)
        refused = called("run", "--resume", run_dir)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"error: {path}: ")
        assert "remove it" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    results = run_dir / "results.csv"
    rows = results.read_bytes()
    path.write_bytes(LaneRecord(low=15, fed=60, reached_s=1.0, resume_s=1.0).sector(0))
    results.write_bytes(b"".join(rows.splitlines(keepends=True)[:11]))
    refused = called("run", "--resume", run_dir)
    assert refused.returncode == 2
    assert "15 items are settled, and results.csv has rows of the first" in refused.stderr
    results.write_bytes(rows)
    path.unlink()
    with ResumedLine(run_dir) as again:
        status, summary = again.finish()
    assert status == 0
    assert_accounted(summary, again.rows())
    assert summary["items"]["fed"] == 60


def test_what_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        refused = called("run", "--resume", folder)
        assert refused.returncode == 2
        assert refused.stderr == f"error: {folder}: not a run folder (no settings.json)\n"


def test_a_run_with_the_columns_of_another_version_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, [], facts=None)
    settings = load(environment={}, options=[("decision.threshold", 0.5)])
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    facts = ModelFacts(path="m.onnx", sha256="ab" * 32, classes=("glass",))
    (tmp_path / FILE).write_text(facts.model_dump_json())
    Session(runtime_dir="/gone").keep(RunFolder(tmp_path))
    reopen(tmp_path)
    results = tmp_path / "results.csv"
    results.write_text(results.read_text().replace(",published_ms,dispatched_ms", ""))
    with pytest.raises(BadInput, match=r"results\.csv: has the columns of another version"):
        reopen(tmp_path)


def test_a_resumed_run_takes_no_other_settings(tmp_path: Path) -> None:
    refused = called("run", "--resume", tmp_path, "--workers", 3, "--quiet")
    assert refused.returncode == 2
    assert "--resume: goes on with the run's own settings, without --workers" in refused.stderr


def test_a_damaged_session_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text('{"number": "many"}')
    with pytest.raises(BadInput, match=r"session\.json"):
        Session.load(tmp_path)


def test_a_folder_can_be_locked_again_when_it_is_free(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(BadInput, match="another runner"), RunLock(tmp_path):
        pass
    with RunLock(tmp_path):
        pass


def test_the_belt_goes_on_where_the_first_unfinished_lane_needs_it() -> None:
    lanes = [{"reached_s": 9.0, "resume_s": 8.5}, {"reached_s": 9.2, "resume_s": 9.1}]
    done = {"reached_s": 4.0, "resume_s": None}
    assert elapsed_s(lanes) == 8.5
    assert elapsed_s([*lanes, done]) == 8.5
    assert elapsed_s([done, {"reached_s": 6.0, "resume_s": None}]) == 6.0
    assert elapsed_s([]) == 0.0


def test_a_fault_is_injected_once_over_all_sessions() -> None:
    session = Session(runtime_dir="/somewhere")
    assert session.inject(0)
    later = session.successor(Path("/elsewhere"), "")
    assert not later.inject(0)
    assert later.inject(1)
    assert (later.number, later.next_incarnation("worker-0")) == (2, 1)
