"""Another model on a running line: nothing is lost, and nobody is without a worker meanwhile."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pandas as pd
import pytest

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.observe.control_client import Control
from line.observe.orders import parse_order
from line.run_files.session import Session
from run_line import main
from tests.line.supervise.test_resume import ResumedLine, kill_everybody
from tests.remote_workers import RemoteWorker
from tests.running_line import RunningLine, assert_accounted, poll
from tests.tiny_model import CLASSES, write_tiny_model
from tests.whole_line.test_remote_worker import Site

WHO = "somebody"
OPTIONS = ("--interval", 0.05, "--source", "procedural", "--workers", 2)


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same classes in another order, and sure of nothing: its threshold is 1."""
    path = tmp_path_factory.mktemp("other") / "other.onnx"
    return _with_threshold(write_tiny_model(path, tuple(reversed(CLASSES))), "1.0")


def _with_threshold(path: Path, text: str) -> Path:
    model = onnx.load(path)
    for entry in model.metadata_props:
        if entry.key == "scrapline.threshold":
            entry.value = text
    onnx.save(model, path)
    return path


def _short(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _await_swap(control: Control, state: str) -> dict[str, Any]:
    control.watch()

    def ended() -> dict[str, Any] | None:
        for status in control.receive(0.2):
            if status["swap"] and status["swap"]["state"] == state:
                return status
        return None

    found: dict[str, Any] = poll(ended, f"a swap {state}")
    return found


def _swap(control: Control, model: Path) -> dict[str, Any]:
    return control.order("swap", WHO, model=str(model))


# -- what is refused --------------------------------------------------------------------------


def test_an_order_names_a_file_by_its_absolute_path() -> None:
    with pytest.raises(BadInput, match=r"^swap\.model: must be an absolute path, not 'a\.onnx'$"):
        parse_order({"action": "swap", "model": "a.onnx"})
    with pytest.raises(BadInput, match=r"^shadow\.share: "):
        parse_order({"action": "shadow", "model": "/a.onnx", "share": 0})


def test_what_does_not_fit_or_start_is_not_taken_and_the_command_says_why(
    tmp_path: Path, tiny_model: Path, other_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = tmp_path / "run"

    def swap(*arguments: object) -> tuple[int, str]:
        status = main(["swap", str(run_dir), *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    assert swap("--model", tiny_model) == (2, f"error: {run_dir}: no line is running there\n")
    assert swap() == (2, "error: --model: name the new model\n")
    options = (*OPTIONS, "--workers", 1, "--duration", 36_000)
    with RunningLine(run_dir, "--model", tiny_model, *options) as line:
        line.wait_for_rows(3)
        with Control.of(run_dir) as control:
            for path, said in _unfit(tmp_path, tiny_model).items():
                with pytest.raises(BadInput) as refusal:
                    _swap(control, path)
                assert said in str(refusal.value)
                assert str(path) in str(refusal.value)
                assert "\n" not in str(refusal.value)

            # The file is there when it is looked at, and another one when the stand-in loads it.
            new = write_tiny_model(tmp_path / "new.onnx", tuple(reversed(CLASSES)))
            _swap(control, new)
            new.write_bytes(tiny_model.read_bytes())
            reason = _await_swap(control, "undone")["swap"]["reason"]
            assert reason.startswith(f"{new}: changed since the run began")
            poll(lambda: not line.pid("worker-1"), "no stand-in")
            assert Session.load(run_dir).overrides.model is None
            line.wait_for_rows(line.rows_written() + 10)
            assert set(line.rows()["model"].dropna()) == {_short(tiny_model)}

            # The stand-in could load it, the worker after it cannot.
            control.watch()
            _swap(control, write_tiny_model(new, tuple(reversed(CLASSES))))
            poll(lambda: _is_another(line, "worker-1", None), "the stand-in is ready")
            new.write_bytes(tiny_model.read_bytes())
            poll(lambda: _alerts(line).count("was not taken") == 2, "undone again")
            poll(lambda: _ready_workers(line) == {"worker-0"}, "the old worker")

            code, said = swap("--model", other_model)
            assert code == 0
            assert said.endswith(f"done: {_short(other_model)} serves\n")
            poll(lambda: _last_models(line.rows()) == {_short(other_model)}, "answers of its own")
        with Control.of(run_dir) as control:  # the other one has watched and not read for long
            control.order("drain", WHO)
        code, summary = line.finish()
        rows = line.rows()
    assert code == 0
    assert_accounted(summary, rows)
    assert summary["orders"] == 4
    assert _alerts(line).count("was not taken") == 2
    assert _last_models(rows) == {_short(other_model)}


def _last_models(rows: pd.DataFrame) -> set[str]:
    """Of the last five items that were answered: on a busy machine the last of all may not be."""
    return set(rows["model"].dropna().iloc[-5:])


def _alerts(line: RunningLine) -> str:
    path = line.run_dir / "alerts.jsonl"
    return path.read_text() if path.exists() else ""


def _ready_workers(line: RunningLine) -> set[str]:
    return {p["name"] for p in line.processes() if p["role"] == "worker" and p["ready"]}


def _unfit(folder: Path, serving: Path) -> dict[Path, str]:
    """Model files, and what is said of them."""
    broken = folder / "broken.onnx"
    broken.write_bytes(serving.read_bytes()[:-100])
    return {
        broken: "not a model that ONNX Runtime can load",
        write_tiny_model(folder / "fewer.onnx", CLASSES[:-1]): "lacks the class 'trash'",
        _with_threshold(write_tiny_model(folder / "unsure.onnx"), "often"): "is not 0 to 1",
        serving: "is the model that serves",
    }


# -- a swap -----------------------------------------------------------------------------------


def test_one_worker_changes_and_there_is_always_one_that_serves(
    tmp_path: Path, tiny_model: Path, other_model: Path
) -> None:
    """Also: each answer is judged by its own model; the run can be gone on with, and goes back."""
    run_dir = tmp_path / "run"
    with RunningLine(run_dir, "--model", tiny_model, *OPTIONS, "--workers", 1) as line:
        line.wait_for_rows(5)
        with Control.of(run_dir) as control:
            control.watch()
            assert _swap(control, other_model) == {
                "model": _short(other_model),
                "before": _short(tiny_model),
            }
            with pytest.raises(BadInput, match="a swap is under way"):
                control.order("workers", WHO, count=3)
            serving, loaded = [], []

            def ended() -> bool:
                for status in control.receive(0.2):
                    serving.append(_serving(status))
                    loaded.append(_loaded(status))
                    if status["swap"] and status["swap"]["state"] == "done":
                        return True
                return False

            poll(ended, "a swap done")
            assert min(serving) >= 1
            assert loaded[-1] == {_short(other_model)}
            line.wait_for_rows(line.rows_written() + 20)
            poll(lambda: _short(other_model) in set(line.rows()["model"]), "its first answer")
            kill_everybody(line)
    rows = line.rows()
    _assert_judged_by_their_models(rows, tiny_model, other_model)
    with ResumedLine(run_dir) as resumed:
        before = resumed.rows_written()
        resumed.wait_for_rows(before + 10)
        with Control.of(run_dir) as control:
            _swap(control, tiny_model)
            status = _await_swap(control, "done")
            assert (status["model"], status["threshold"]) == (_short(tiny_model), 0.5)
            assert _loaded(status) == {_short(tiny_model)}
            control.order("drain", WHO)
        status_code, summary = resumed.finish()
        later = resumed.rows()
    assert status_code == 0
    assert_accounted(summary, later)
    assert set(later["model"].iloc[before : before + 10].dropna()) == {_short(other_model)}
    models = json.loads((run_dir / "run.json").read_text())["models"]
    assert [model["path"] for model in models] == [str(tiny_model), str(other_model)]
    counts = later["model"].value_counts()
    assert {model["sha256"][:12]: model["rows"] for model in summary["models"]} == dict(counts)


def _serving(status: dict[str, Any]) -> int:
    """Workers that are ready, or still at work on what they hold."""
    states = [p["state"] for p in status["processes"] if p["role"] == "worker"]
    return states.count("ready")


def _loaded(status: dict[str, Any]) -> set[str]:
    """Short hashes of the models that workers have; empty for the run's own."""
    return {p["model"] for p in status["processes"] if p["role"] == "worker"}


def _assert_judged_by_their_models(rows: pd.DataFrame, first: Path, second: Path) -> None:
    answered = rows.dropna(subset="model")
    assert set(answered["model"]) == {_short(first), _short(second)}
    new = answered["model"] == _short(second)
    assert (answered["low_confidence"] == (answered["confidence"] < 0.5))[~new].all()
    assert (answered["low_confidence"] == (answered["confidence"] < 1.0))[new].all()
    assert answered[new]["worker"].nunique() <= 2, "the stand-in, and the worker in its place"
    assert answered["predicted_class"].isin(CLASSES).all()


def test_workers_and_the_dispatcher_are_killed_during_a_swap_under_load(
    tmp_path: Path, slow_model: Path, tiny_model: Path
) -> None:
    options = ("--model", slow_model, "--speed", "max", "--workers", 2, "--items", 4000)
    with RunningLine(tmp_path / "run", *options, "--threshold", 0.7) as line:
        line.wait_for_rows(10)
        with Control.of(line.run_dir) as control:
            _swap(control, tiny_model)
            poll(lambda: line.pid("worker-2"), "the stand-in")
            line.kill("worker-2")
            line.kill("worker-0")
            line.kill("dispatcher")
            status = _await_swap(control, "done")
            assert status["threshold"] == 0.7
            killed = line.kill("worker-1")
            poll(lambda: _is_another(line, "worker-1", killed), "another worker-1")
            line.wait_for_rows(line.rows_written() + 50)
            control.order("drain", WHO)
        code, summary = line.finish()
        rows = line.rows()
    assert code == 0
    assert_accounted(summary, rows)
    assert set(rows["model"].dropna()) == {_short(slow_model), _short(tiny_model)}
    assert set(rows["model"].iloc[-50:]) == {_short(tiny_model)}
    assert (rows["low_confidence"] == (rows["confidence"] < 0.7)).all()
    assert not {"failed", "dropped", "late"} & set(rows["verdict"])
    assert Session.load(line.run_dir).overrides.model == _short(tiny_model)


def _is_another(line: RunningLine, name: str, pid: int | None) -> bool:
    return any(p["name"] == name and p["pid"] != pid and p["ready"] for p in line.processes())


def test_a_worker_on_another_machine_changes_last_and_by_itself(
    tmp_path: Path, tiny_model: Path, other_model: Path
) -> None:
    """It finds the new model on its own disk, by the hash that the line asks for."""
    site = Site(tmp_path, tiny_model)
    models = tmp_path / "models"
    models.mkdir()
    for path in (tiny_model, other_model):
        shutil.copy(path, models)
    options = ("--connect", site.address, "--keys", site.keys / "for-press", "--model", models)
    with site.line(0, 10_000) as line, RemoteWorker(tmp_path / "press.log", *options) as press:
        line.wait_for_rows(5)
        with Control.of(line.run_dir) as control:
            _swap(control, other_model)
            _await_swap(control, "done")
            press.wait_for(f"model {_short(other_model)}")
            line.wait_for_rows(line.rows_written() + 10)
            control.order("drain", WHO)
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    models_seen = rows["model"].dropna()
    assert set(models_seen) == {_short(tiny_model), _short(other_model)}
    assert set(rows["worker"].dropna().str.partition("#")[0]) == {"press"}
    assert press.said().count("joined") == 2


def test_a_models_own_threshold_travels_only_where_the_settings_ask_for_it() -> None:
    facts = {"path": "/a.onnx", "sha256": "ab" * 32, "classes": ("a",)}
    assert ModelFacts(**facts).threshold is None  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold"):
        ModelFacts(**facts, threshold=1.5)  # type: ignore[arg-type]
