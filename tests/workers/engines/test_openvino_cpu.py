"""OpenVINO, where it is installed: nearly ONNX Runtime's answers, and faults in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from line.errors import BadInput, ModelError
from line.model.engine_calibration import EngineCalibration
from tests.odd_models import changed, entry, only_of, wrong_in_openvino
from tests.running_line import ROOT
from tests.tiny_model import CLASSES, tiny_energies, tiny_probabilities, write_tiny_model
from tests.workers.test_engine import graph, noise
from workers.engines.opening import opened
from workers.engines.tempered import at_temperature
from workers.model import Model

pytest.importorskip("openvino")

NEARLY = 0.05
"""Of a probability: bf16 has eight bits, where the processor counts in it."""


def calibrated(path: Path, temperature: float, threshold: float) -> Path:
    """A tiny model that says so of OpenVINO."""
    said = EngineCalibration(
        temperature=temperature,
        threshold=threshold,
        pictures=400,
        same_class=400,
        moved=0,
        crossed=0,
        sure=300,
        right=299,
        version="1",
        processor="any",
    )
    return changed(path, entry("engine.openvino", said.model_dump_json()))


def test_it_answers_as_the_default_engine_does_but_for_rounding(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx")
    engine = opened("openvino", path.read_bytes())
    for batch in (noise(3), noise(1, 40, 30), noise(2)[:, ::-1]):
        answers = engine.classify(batch).probabilities
        assert (answers.shape, answers.dtype) == ((len(batch), len(CLASSES)), np.float32)
        assert np.abs(answers - tiny_probabilities(batch)).max() < NEARLY
    assert engine.metadata == opened("onnxruntime", path.read_bytes()).metadata
    first = engine.classify(noise(1)).probabilities.copy()
    engine.classify(noise(5))
    assert np.array_equal(engine.classify(noise(1)).probabilities, first), (
        "no answer is a view of the last one"
    )


def test_a_file_is_refused_in_words_that_say_what_is_wrong_with_it(tmp_path: Path) -> None:
    data = write_tiny_model(tmp_path / "a.onnx").read_bytes()
    images = ("image", TensorProto.UINT8, ["n", "h", "w", 3])
    answers = ("answer", TensorProto.FLOAT, ["n", 3])
    strange = onnx.load_model_from_string(
        graph([images], [answers], [helper.make_node("Turn", ["image"], ["answer"], domain="x.y")])
    )
    strange.opset_import.append(helper.make_opsetid("x.y", 1))
    boxes = graph(
        [images],
        [("boxes", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_node("Identity", ["image"], ["boxes"])],
    )
    wrong = {
        data[: len(data) // 2]: "OpenVINO can load: it is damaged or cut off, or no ONNX file",
        bytes(strange.SerializeToString()): "it does not know the operator x.y.Turn",
        boxes: r"output boxes is tensor\(uint8\) .*, expected probabilities: float \[batch, ",
    }
    for content, said in wrong.items():
        with pytest.raises(BadInput, match=said) as raised:
            opened("openvino", content)
        assert "\n" not in str(raised.value)


def test_a_picture_that_it_cannot_take_is_an_error_of_one_line(tmp_path: Path) -> None:
    sized = opened("openvino", changed(tmp_path / "a.onnx", only_of(24, 32)).read_bytes())
    assert (sized.takes.height_px, sized.takes.width_px) == (24, 32)
    with pytest.raises(ModelError, match=r"^fails: Can't set the input tensor") as raised:
        sized.classify(noise(1, 10, 10))
    assert "\n" not in str(raised.value)

    odd = Model.open(changed(tmp_path / "b.onnx", wrong_in_openvino(100)), "openvino")
    odd.classify(np.full((1, 24, 32, 3), 50, np.uint8))
    with pytest.raises(ModelError, match=r"^gives nan for 'cardboard'"):
        odd.classify(np.full((1, 24, 32, 3), 150, np.uint8))


def test_it_gives_energies_where_the_file_does(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx", limit=-1.0)
    engine = opened("openvino", path.read_bytes())
    probabilities, energies = engine.classify(noise(3))
    assert np.abs(probabilities - tiny_probabilities(noise(3))).max() < NEARLY
    assert energies is not None
    assert np.abs(energies - tiny_energies(noise(3))).max() < 4 * NEARLY, "of some 7"
    bare = opened("openvino", write_tiny_model(tmp_path / "b.onnx").read_bytes())
    assert bare.classify(noise(3)).energies is None


def test_its_own_temperature_and_threshold_count_and_the_default_keeps_its_own(
    tmp_path: Path,
) -> None:
    path = calibrated(tmp_path / "a.onnx", temperature=2.0, threshold=0.75)
    default, other = Model.open(path, "onnxruntime"), Model.open(path, "openvino")
    assert (default.threshold, other.threshold, other.default_threshold) == (0.5, 0.75, 0.5)
    bare = opened("openvino", path.read_bytes()).classify(noise(2)).probabilities
    assert np.allclose(other.classify(noise(2)), at_temperature(bare, 2.0), atol=1e-6)
    assert other.facts.short_hash == f"{default.facts.short_hash}-openvino"
    assert np.allclose(default.classify(noise(2)), tiny_probabilities(noise(2)), atol=1e-5)

    unknown = Model.open(write_tiny_model(tmp_path / "b.onnx"), "openvino")
    assert unknown.named_threshold is None
    with pytest.raises(
        BadInput, match=r"b\.onnx was not calibrated for openvino; do so with `run_"
    ):
        _ = unknown.threshold
    damaged = changed(tmp_path / "c.onnx", entry("engine.openvino", '{"temperature": 0}'))
    with pytest.raises(BadInput, match=r"c\.onnx: scrapline\.engine\.openvino: temperature: "):
        Model.open(damaged, "openvino")


def test_loading_it_reports_home_to_nobody(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx")
    program = (
        "import sys, threading, pathlib; from workers.engines.opening import opened;"
        f"opened('openvino', pathlib.Path({str(path)!r}).read_bytes());"
        "loaded = [n for n, m in sys.modules.items() if n.startswith('openvino_telemetry') and m];"
        "print(loaded, threading.active_count())"
    )
    home = tmp_path / "home"
    home.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[] 1\n"
    assert list(home.iterdir()) == []


def test_signals_are_handled_after_engines_have_come_and_gone(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx")
    program = (
        "import os, pathlib, signal; from workers.engines.opening import opened;"
        f"data = pathlib.Path({str(path)!r}).read_bytes();"
        "signal.signal(signal.SIGTERM, lambda *_: print('told'));"
        "first = opened('openvino', data); second = opened('openvino', data);"
        "del first; del second;"
        "os.kill(os.getpid(), signal.SIGTERM); print('goes on')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "told\ngoes on\n"), ran.stderr


def test_a_temperature_keeps_the_order_and_the_sum() -> None:
    answers = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], np.float32)
    cooled, warmed = at_temperature(answers, 0.5), at_temperature(answers, 4.0)
    assert np.allclose(cooled[0], np.array([0.49, 0.04, 0.01]) / 0.54, atol=1e-6)
    assert warmed[0, 0] < answers[0, 0] < cooled[0, 0]
    for each in (cooled, warmed):
        assert np.allclose(each.sum(axis=1), 1, atol=1e-6)
        assert (each.argmax(axis=1) == [0, 0]).all()
    assert at_temperature(answers, 1.0) is answers
