"""Which engine `auto` takes, by what was measured and what the model file says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from line.errors import BadInput
from line.model.engine_calibration import EngineCalibration
from tests.odd_models import changed, entry
from tests.tiny_model import write_tiny_model
from workers.engines.choice import Choice, choose
from workers.engines.opening import engine_version, is_installed, opened
from workers.engines.speed_cache import Situation, cache_file, keep, kept
from workers.engines.speeds import processor_flags
from workers.model import Model

pytest.importorskip("openvino")

SIZE = (24, 32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a user's cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = cache_file()
    assert path is not None
    return path


def calibration(**changes: object) -> str:
    fine = {
        "temperature": 1.0,
        "threshold": 0.7,
        "pictures": 300,
        "same_class": 297,
        "moved": 9,
        "crossed": 4,
        "sure": 200,
        "right": 199,
        "version": engine_version("openvino"),
        "processor": processor_flags(),
    }
    return EngineCalibration.model_validate({**fine, **changes}).model_dump_json()


def calibrated(path: Path, **changes: object) -> Model:
    return Model.load(
        changed(path, entry("engine.openvino", calibration(**changes))), "onnxruntime", size=SIZE
    )


def situation(model: Model) -> Situation:
    installed = [name for name in ("onnxruntime", "openvino", "cuda") if is_installed(name)]
    return Situation(
        sha256=model.facts.sha256,
        picture_px=SIZE,
        processor=processor_flags(),
        versions={name: engine_version(name) for name in installed},
    )


def measured(model: Model, default_ms: float, other_ms: float) -> None:
    keep(situation(model), {"onnxruntime": default_ms, "openvino": other_ms})


def test_a_calibrated_engine_that_is_more_than_5_percent_faster_is_taken(tmp_path: Path) -> None:
    model = calibrated(tmp_path / "a.onnx")
    measured(model, 10.0, 9.0)
    reason = "auto: openvino takes 9.00 ms for a picture, onnxruntime 10.00"
    assert [choose(model, SIZE) for _ in range(10)] == [Choice("openvino", reason)] * 10

    measured(model, 10.0, 9.6)
    assert choose(model, SIZE) == Choice(
        "onnxruntime",
        "auto: openvino takes 9.60 ms for a picture, onnxruntime 10.00, "
        "which is not more than 5% faster",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"same_class": 296}, "only 296 of 300 pictures get the class that they get by default"),
        ({"pictures": 299}, "calibrated for it on 299 pictures, 300 are needed"),
        ({"version": "2025.1"}, "calibrated for its version 2025.1"),
        ({"processor": "x86_64 avx2"}, "calibrated for it on another processor"),
    ],
)
def test_a_calibration_that_does_not_hold_here_is_none(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    model = calibrated(tmp_path / "a.onnx", **changes)
    measured(model, 10.0, 1.0)
    choice = choose(model, SIZE)
    assert choice.engine == "onnxruntime"
    assert choice.reason.endswith(said)


def test_a_faster_engine_without_calibration_is_told_of_and_not_taken(tmp_path: Path) -> None:
    model = Model.load(write_tiny_model(tmp_path / "a.onnx"), "onnxruntime", size=SIZE)
    measured(model, 10.0, 1.0)
    choice = choose(model, SIZE)
    assert choice.engine == "onnxruntime"
    assert "run_line.py calibrate --engine openvino" in choice.reason


def test_what_is_measured_is_kept_and_a_file_of_anything_else_is_measured_anew(
    tmp_path: Path, cache: Path
) -> None:
    model = calibrated(tmp_path / "a.onnx")
    assert kept(situation(model)) is None
    choose(model, SIZE)
    first = kept(situation(model))
    assert first is not None
    assert first.keys() == {"onnxruntime", "openvino"}
    choose(model, SIZE)
    assert kept(situation(model)) == first, "it was not measured again"

    text = cache.read_text()
    speeds = json.loads(text)["speeds"]
    for damage in ("", "{", "[]", text[:-20], text.replace('"onnxruntime": ', '"onnxruntime": -')):
        cache.write_text(damage)
        assert kept(situation(model)) is None
        choose(model, SIZE)
        assert kept(situation(model)) is not None
    cache.unlink()
    os.mkfifo(cache)  # nobody waits for what it might say
    assert kept(situation(model)) is None
    older = {**speeds[0], "situation": {**speeds[0]["situation"], "versions": {"openvino": "1"}}}
    cache.unlink()
    cache.write_text(json.dumps({"speeds": [older]}))
    assert kept(situation(model)) is None, "of another version"


def test_the_cache_keeps_a_hundred_measurements_and_needs_no_room(
    tmp_path: Path, cache: Path
) -> None:
    model = calibrated(tmp_path / "a.onnx")
    for number in range(105):
        other = situation(model).model_copy(update={"sha256": f"{number:064x}"})
        keep(other, {"onnxruntime": 1.0})
    assert len(json.loads(cache.read_text())["speeds"]) == 100
    assert kept(situation(model).model_copy(update={"sha256": f"{4:064x}"})) is None
    assert kept(situation(model).model_copy(update={"sha256": f"{104:064x}"})) == {
        "onnxruntime": 1.0
    }
    cache.unlink()
    cache.parent.rmdir()
    cache.parent.write_text("in its place")
    measured(model, 2.0, 1.0)
    assert kept(situation(model)) is None


def test_an_engine_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_tiny_model(tmp_path / "a.onnx").read_bytes()
    if not is_installed("cuda"):
        with pytest.raises(BadInput, match=r"^model\.engine: cuda: .*requirements/cuda\.txt$"):
            opened("cuda", data)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "workers.engines.openvino_cpu", raising=False)
    with pytest.raises(BadInput, match=r"^model\.engine: openvino: .*requirements/openvino\.txt$"):
        opened("openvino", data)
