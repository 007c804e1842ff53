"""Another engine on a running line: ordered, or because the one that ran fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.observe.control_client import Control
from line.run_files.session import Session
from line.supervise.fitting_model import with_limits
from tests.broken_process import break_processes
from tests.line.supervise.test_resume import ResumedLine, kill_everybody
from tests.line.supervise.test_swap import OPTIONS, WHO, _await_swap, _short
from tests.odd_models import changed, wrong_in_openvino
from tests.running_line import RunningLine, assert_accounted, command, poll
from tests.whole_line.test_remote_worker import PATIENT, Site
from tests.workers.engines.test_openvino_cpu import calibrated

pytest.importorskip("openvino")

IN_OPENVINO = ("--set", "model.engine=openvino", "--threshold", 0.5)


def events(run_dir: Path) -> list[dict[str, Any]]:
    path = run_dir / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def without_openvino(folder: Path) -> Path:
    """A folder for PYTHONPATH, with which the package cannot be imported."""
    folder.mkdir(exist_ok=True)
    text = "raise ModuleNotFoundError(\"No module named 'openvino'\", name='openvino')\n"
    (folder / "openvino.py").write_text(text)
    return folder


def test_an_engine_that_fails_costs_no_item_and_all_workers_change_to_the_default(
    tmp_path: Path,
) -> None:
    """Both workers fail on the first picture that they see, and answer it all the same."""
    model = changed(tmp_path / "odd.onnx", wrong_in_openvino(0))
    default, other = _short(model), f"{_short(model)}-openvino"
    with RunningLine(tmp_path / "run", "--model", model, *OPTIONS, *IN_OPENVINO) as line:
        poll(lambda: "swap" in {e["event"] for e in events(line.run_dir)}, "the change")
        line.wait_for_rows(line.rows_written() + 10)
        with Control.of(line.run_dir) as control:
            control.watch()
            status = poll(lambda: next(iter(control.receive(0.2)), None), "a status")
            control.order("drain", WHO)
        code, summary = line.finish()
        rows = line.rows()
    assert code == 0
    assert_accounted(summary, rows)
    assert status["model"] == default
    assert status["swap"]["state"] == "done"
    assert summary["verdicts"]["failed"] == 0
    assert set(rows["model"].dropna()) == {default}
    assert rows["attempts"].max() == 1, "nobody died of it"
    (failed,) = [e for e in events(line.run_dir) if e["event"] == "engine_failed"]
    assert failed["process"].startswith("worker-")
    assert failed["text"].startswith("openvino gives nan for 'cardboard', on a picture that")
    alerts = [json.loads(line) for line in (tmp_path / "run/alerts.jsonl").read_text().splitlines()]
    assert "engine_failed" in {alert["kind"] for alert in alerts}
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert [each["engine"] for each in facts["models"]] == ["openvino", "onnxruntime"]
    assert [each["rows"] for each in summary["models"]] == [0, rows["model"].count()]
    session = Session.load(line.run_dir)
    assert session.overrides.model == default
    assert other not in session.overrides.models


def test_workers_that_cannot_have_the_engine_come_back_in_the_default(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package goes after the run has begun: each worker is given up once, and serves then."""
    gone = 'sys.modules["openvino"] = None'
    break_processes(monkeypatch, tmp_path / "site", ("worker-0", "worker-1"), gone)
    at_once = ("--set", "supervisor.failed_starts=1", "--items", 40)
    options = ("--model", tiny_model, *OPTIONS, *IN_OPENVINO, *at_once)
    with RunningLine(tmp_path / "run", *options) as line:
        code, summary = line.finish()
        rows = line.rows()
    assert code == 0
    assert_accounted(summary, rows)
    assert summary["verdicts"]["failed"] == 0
    assert set(rows["model"].dropna()) == {_short(tiny_model)}
    told = [e for e in events(line.run_dir) if e["event"] in ("engine_failed", "swap")]
    assert [e["event"] for e in told] == ["engine_failed", "swap"]
    assert "requirements/openvino.txt" in told[0]["text"]
    assert Session.load(line.run_dir).overrides.model == _short(tiny_model)


def test_swaps_and_shadows_across_engines_lose_nothing_and_a_run_keeps_its_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: each answer is judged by the threshold of the engine that gave it."""
    model = calibrated(tmp_path / "model.onnx", temperature=1.0, threshold=0.9)
    run_dir = tmp_path / "run"
    default, other = _short(model), f"{_short(model)}-openvino"
    order = {"model": str(model), "engine": "openvino"}
    with RunningLine(run_dir, "--model", model, *OPTIONS) as line:
        line.wait_for_rows(5)
        with Control.of(run_dir) as control:
            control.order("shadow", WHO, **order, share=1.0)
            poll(lambda: other in _text(run_dir / "shadow.csv"), "answers of the shadow")
            assert control.order("swap", WHO, **order) == {"model": other, "before": default}
            poll(lambda: line.pid("worker-2"), "the stand-in")
            line.kill("worker-2")
            line.kill("worker-0")
            assert _await_swap(control, "done")["model"] == other
            line.kill("worker-1")
            poll(lambda: other in _text(run_dir / "results.csv"), "its answers")
            line.wait_for_rows(line.rows_written() + 10)
            kill_everybody(line)

    # Where it is not installed, neither is gone on with.
    monkeypatch.setenv("PYTHONPATH", str(without_openvino(tmp_path / "without")))
    for again in (("run", "--resume", run_dir), ("replay", run_dir, "--engine", "openvino")):
        refused = command(*again)
        assert refused.returncode == 2
        assert "No module named 'openvino'; install it with: pip install" in refused.stderr
        assert refused.stderr.strip().count("\n") == 0
    monkeypatch.delenv("PYTHONPATH")

    with ResumedLine(run_dir) as resumed:
        before = resumed.rows_written()
        resumed.wait_for_rows(before + 10)
        with Control.of(run_dir) as control:
            control.order("swap", WHO, **{**order, "engine": "onnxruntime"})
            assert _await_swap(control, "done")["model"] == default
            resumed.wait_for_rows(resumed.rows_written() + 10)
            control.order("drain", WHO)
        code, summary = resumed.finish()
        rows = resumed.rows()
    assert code == 0
    assert_accounted(summary, rows)
    assert set(rows["model"].dropna()) == {default, other}
    assert set(rows["model"].iloc[before : before + 5].dropna()) == {other}
    assert summary["verdicts"]["failed"] == 0
    answered = rows.dropna(subset="model")
    for name, threshold in ((default, 0.5), (other, 0.9)):
        own = answered[answered["model"] == name]
        assert (own["low_confidence"] == (own["confidence"] < threshold)).all()


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_swap_needs_a_threshold_of_the_engine_where_the_model_decides() -> None:
    own = ModelFacts(path="/a.onnx", sha256="ab" * 32, classes=("a",), threshold=0.5)
    found = own.model_copy(update={"engine": "openvino", "standby_threshold": 0.5})
    taken = with_limits(found, own, "off")
    assert (taken.threshold, taken.standby) == (0.5, own)
    unknown = found.model_copy(update={"threshold": None})
    with pytest.raises(BadInput, match=r"^/a\.onnx: was not calibrated for openvino, and dec"):
        with_limits(unknown, own, "off")
    settled = with_limits(unknown, own.model_copy(update={"threshold": None}), "off")
    assert settled.standby is not None
    assert (settled.threshold, settled.standby.threshold) == (None, None)


def test_a_swap_needs_energies_where_they_have_a_limit() -> None:
    own = ModelFacts(path="/a.onnx", sha256="ab" * 32, classes=("a",), novelty_energy=-1.5)
    found = own.model_copy(update={"path": "/b.onnx", "novelty_energy": -4.0, "gives_energy": True})
    assert with_limits(found, own, -1.5).novelty_energy == -4.0
    settled = own.model_copy(update={"novelty_energy": None})
    assert with_limits(found, settled, -1.5).novelty_energy is None, "the settings have a number"
    with pytest.raises(BadInput, match=r'^/b\.onnx: names no limit, and .* is "model"$'):
        with_limits(found.model_copy(update={"novelty_energy": None}), own, -1.5)
    without = found.model_copy(update={"novelty_energy": None, "gives_energy": False})
    for each in (own, settled):
        with pytest.raises(BadInput, match=r"^/b\.onnx: gives no energy, and .* is a limit$"):
            with_limits(without, each, -1.5)
    assert with_limits(without, settled, "off").novelty_energy is None


def test_a_machine_without_the_engine_of_the_line_does_not_join(
    tmp_path: Path, tiny_model: Path
) -> None:
    site = Site(tmp_path, tiny_model)
    without = without_openvino(tmp_path / "without")
    with site.line(0, 0, "--interval", 0.1, *IN_OPENVINO, *PATIENT) as line:
        poll(lambda: line.pid("dispatcher"), "the line starts")
        with site.worker("press", prefix=("env", f"PYTHONPATH={without}")) as press:
            assert press.status() == 2
            said = press.said()
        with site.worker("mill") as mill:
            mill.wait_for("joined")
            poll(lambda: site.answered_by("mill"), "its answers")
            with Control.of(line.run_dir) as control:
                control.order("drain", WHO)
            code, summary = line.finish()
            rows = line.rows()
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "No module named 'openvino'; install it with: pip install -r requirements/" in error
    assert said.endswith(f"{error}\n")
    assert "joined" not in said
    assert code == 0
    assert_accounted(summary, rows)
    assert set(rows["model"].dropna()) == {f"{_short(tiny_model)}-openvino"}
    assert [each["engine"] for each in summary["models"]] == ["openvino"], "no standby has served"
