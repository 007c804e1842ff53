"""What `calibrate` says of an engine, and writes into the model file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from adoption.engine_fit import EngineFit, fit, with_calibration
from line.model.engine_calibration import calibration_of
from line.model.onnx_file import read_entries
from run_line import main
from tests.tiny_model import CLASSES, tiny_probabilities, write_tiny_model
from workers.engines.tempered import at_temperature
from workers.model import Model


def answers_of(count: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that are drawn by them: as sure as they are right."""
    rng = np.random.default_rng(3)
    scores = rng.normal(0, 4, (count, classes))
    answers = np.exp(scores - scores.max(axis=1, keepdims=True))
    answers /= answers.sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in answers])
    return answers.astype(np.float32), labels


def test_a_temperature_that_an_engine_has_lost_is_found_again() -> None:
    default, labels = answers_of(3000)
    flat = at_temperature(default, 2.5)
    found = fit("onnxruntime", default, flat, labels, 0.9)
    assert found.kept.temperature == pytest.approx(1 / 2.5, rel=0.1)
    assert found.kept.same_class == found.kept.pictures == 3000
    assert found.kept.moved == int((np.abs(default - flat).max(axis=1) > 0.02).sum())
    reached = (default.max(axis=1) >= 0.9, flat.max(axis=1) >= 0.9)
    assert found.kept.crossed == int((reached[0] != reached[1]).sum()) > 0


def test_the_promise_is_judged_on_pictures_that_had_no_say_in_it() -> None:
    answers, labels = answers_of(3000)
    found = fit("onnxruntime", answers, answers, labels, None)
    low, high = found.interval
    assert low < found.kept.right / found.kept.sure < high
    assert low <= 0.99 <= high
    assert found.cautions == ()
    poor = found.kept.model_copy(update={"sure": 1000, "right": 960})
    (caution,) = EngineFit(found.fitted, poor).cautions
    assert caution == "out of fold 960 of 1000 sure answers are right, fewer than 99%"
    assert EngineFit(found.fitted, poor).interval == pytest.approx((0.9460, 0.9705), abs=1e-4)


def test_what_a_file_keeps_leaves_its_graph_and_its_other_entries_alone(tmp_path: Path) -> None:
    content = write_tiny_model(tmp_path / "a.onnx").read_bytes()
    answers, labels = answers_of(400)
    kept = fit("onnxruntime", answers, answers, labels, None).kept
    twice = with_calibration(with_calibration(content, "cuda", kept), "openvino", kept)
    before, after = onnx.load_model_from_string(content), onnx.load_model_from_string(twice)
    assert after.graph == before.graph
    (tmp_path / "b.onnx").write_bytes(twice)
    entries = {
        k.removeprefix("scrapline."): v for k, v in read_entries(tmp_path / "b.onnx").items()
    }
    assert calibration_of(entries, "openvino") == calibration_of(entries, "cuda") == kept
    assert len(entries) == len(before.metadata_props) + 2


def pictures(folder: Path, count: int) -> Path:
    """Class folders of flat pictures, named as the tiny model answers, all but every 50th."""
    rng = np.random.default_rng(8)
    for number in range(count):
        picture = np.full((1, 8, 8, 3), rng.integers(0, 256, 3), np.uint8)
        answer = int(tiny_probabilities(picture)[0].argmax())
        place = folder / CLASSES[(answer + (number % 50 == 0)) % len(CLASSES)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[0]).save(place / f"{number}.png")
    return folder


def test_the_command_writes_a_file_that_runs_in_both_engines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino")
    model = write_tiny_model(tmp_path / "a.onnx")
    few, enough = pictures(tmp_path / "few", 299), pictures(tmp_path / "enough", 320)

    def calibrate(*options: object) -> tuple[int, str, str]:
        arguments = ("calibrate", "--engine", "openvino", "--model", model, *options)
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    where = f"error: --check {few}: holds 299 pictures, at least 300 are needed\n"
    assert calibrate("--check", few) == (2, "", where)
    (tmp_path / "other.onnx").write_bytes(b"somebody's")
    code, _, said = calibrate("--check", enough, "--out", tmp_path / "other.onnx")
    assert (code, said.count("\n")) == (2, 1)
    assert "is there, and another file" in said

    code, said, _ = calibrate("--check", enough)
    assert code == 0
    out = tmp_path / "a.calibrated.onnx"
    assert f"--model {out}" in said.replace("\n", " ")
    other = Model.load(out, "openvino")
    assert other.calibration is not None
    assert other.calibration.pictures == 320
    assert other.threshold == other.calibration.threshold
    assert Model.load(out, "onnxruntime").threshold == 0.5
    before = out.read_bytes()
    assert calibrate("--check", enough, "--out", model)[0] == 0, "the model itself, in one step"
    assert json.loads(read_entries(model)["scrapline.engine.openvino"])["pictures"] == 320
    assert out.read_bytes() == before
