"""calibrate: the graph does what its facts say, in the runtime that the line uses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
import onnx
import onnxruntime as ort
from colour_models import (
    blue,
    colour_graph,
    colour_model,
    green,
    red,
    sureness,
    with_further_outputs,
    write_colours,
)
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.calibrate.model_graph import divide_logits
from training.cli import main
from training.errors import BadInput
from training.evaluate.calibration_scores import with_temperature
from training.export.runners import onnx_runner

Refused = Callable[..., str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return colour_model(tmp_path / "colours.onnx", threshold="0.6", backbone="colours")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """30 pictures of value 220, of which three are not what they look like, and a sure one."""
    return write_colours(
        tmp_path / "val",
        {
            "blue": [blue(220)] * 9 + [red(220)],
            "green": [green(220)] * 9 + [blue(220)],
            "red": [red(220)] * 9 + [green(220), red(250)],
        },
    )


def calibrated(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *(str(argument) for argument in arguments)])
    assert ended.value.code == 0


def facts(path: Path) -> dict[str, str]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)


def images(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.array([np.full((4, 4, 3), colour) for colour in colours], dtype=np.uint8)


SEEN = images((250, 10, 30), (90, 100, 80), (0, 0, 255))


@pytest.mark.parametrize("softmax", [True, False])
def test_graph_divides_logits(softmax: bool, tmp_path: Path) -> None:
    plain = colour_model(tmp_path / "plain.onnx", softmax)
    proto = onnx.load(str(plain))
    divide_logits(proto, 1.7)
    onnx.save(proto, str(tmp_path / "softer.onnx"))
    wanted = with_temperature(onnx_runner(plain)(SEEN), 1.7)
    given = onnx_runner(tmp_path / "softer.onnx")(SEEN)
    np.testing.assert_allclose(given, wanted, atol=2e-7)


@pytest.mark.parametrize("softmax", [True, False])
def test_graph_is_changed_again_not_grown(softmax: bool, tmp_path: Path) -> None:
    proto = colour_graph(softmax)
    divide_logits(proto, 2.0)
    once = len(proto.graph.node)
    divide_logits(proto, 1.5)
    assert len(proto.graph.node) == once
    onnx.save(proto, str(tmp_path / "twice.onnx"))
    plain = colour_model(tmp_path / "plain.onnx", softmax)
    wanted = with_temperature(onnx_runner(plain)(SEEN), 3.0)
    np.testing.assert_allclose(onnx_runner(tmp_path / "twice.onnx")(SEEN), wanted, atol=2e-7)


def test_energy_and_embedding_stay_as_they_are(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The energy is that of the network's own logits, whatever divides them for the softmax."""
    onnx.save(with_further_outputs(onnx.load(model)), str(model))
    calibrated(model, "--data", pictures, "--out", tmp_path / "out.onnx")
    before, after = (
        ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        for file in (model, tmp_path / "out.onnx")
    )
    for name in ("embedding", "energy"):
        [was], [now] = (session.run([name], {"image": SEEN}) for session in (before, after))
        np.testing.assert_array_equal(was, now)
    [was], [now] = (session.run(["probabilities"], {"image": SEEN}) for session in (before, after))
    assert np.abs(was - now).max() > 0.01
    # 30 of the 31 pictures are alike, and the sure one is less strange than they.
    limit = float(facts(tmp_path / "out.onnx")["scrapline.novelty_energy"])
    assert limit == pytest.approx(-np.log(np.exp(220 / 50) + 2), abs=1e-5)
    assert f"novelty, energy above          {limit:.4f}" in capsys.readouterr().out


def test_a_file_without_energy_gets_no_limit(model: Path, pictures: Path) -> None:
    calibrated(model, "--data", pictures, "--in-place")
    assert "scrapline.novelty_energy" not in facts(model)


def test_graph_that_gives_no_probabilities() -> None:
    proto = colour_graph()
    proto.graph.node.append(helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1))
    best = helper.make_tensor_value_info("best", TensorProto.INT64, ["n", 1])
    proto.graph.output[0].CopyFrom(best)
    with pytest.raises(BadInput, match="output best is not of floating point"):
        divide_logits(proto, 2.0)


def test_confidence_becomes_the_share_of_right_answers(
    model: Path, pictures: Path, tmp_path: Path
) -> None:
    """27 of 30 at one confidence, and one that is right anyway: T makes that confidence 0.9."""
    out = tmp_path / "new/out.onnx"
    calibrated(model, "--data", pictures, "--out", out, "--precision", 0.9)
    [[p_blue, *_]] = onnx_runner(out)(images((0, 0, 220)))
    assert p_blue == pytest.approx(0.9, abs=0.005)
    temperature = float(facts(out)["scrapline.temperature"])
    assert p_blue == pytest.approx(sureness(220, temperature), abs=1e-5)


def test_facts(model: Path, pictures: Path, tmp_path: Path) -> None:
    before, sha256 = facts(model), hashlib.sha256(model.read_bytes()).hexdigest()
    calibrated(model, "--data", pictures, "--precision", 0.99)
    after = facts(tmp_path / "colours.calibrated.onnx")
    assert hashlib.sha256(model.read_bytes()).hexdigest() == sha256
    for key in ("scrapline.classes", "scrapline.size", "scrapline.backbone"):
        assert after[key] == before[key]
    # Only the sure picture stands above the errors.
    [[*_, p_red]] = onnx_runner(tmp_path / "colours.calibrated.onnx")(images((250, 0, 0)))
    assert float(after["scrapline.threshold"]) == pytest.approx(p_red, abs=1e-6)
    assert float(after["scrapline.precision"]) == 1.0
    assert float(after["scrapline.coverage"]) == pytest.approx(1 / 31)
    conformal = json.loads(after["scrapline.conformal"])
    assert conformal["kind"] == "class"
    assert conformal["pictures"] == {"blue": 10, "green": 10, "red": 11}
    # k = ⌈11 · 0.9⌉ = 10 of 10: the least probability of blue is that of the blue seen as red.
    assert conformal["least_probability"]["blue"] == pytest.approx(0.05, abs=0.005)
    record = json.loads(after["scrapline.calibration"])
    assert record["from_sha256"] == sha256
    assert record["after"]["nll"] < record["before"]["nll"]
    assert record["wanted_precision"] == 0.99


def test_in_place_twice_ends_at_the_same_temperature(model: Path, pictures: Path) -> None:
    calibrated(model, "--data", pictures, "--in-place")
    once = float(facts(model)["scrapline.temperature"])
    assert once != pytest.approx(1.0, abs=0.05)
    calibrated(model, "--data", pictures, "--in-place")
    assert float(facts(model)["scrapline.temperature"]) == pytest.approx(once, rel=1e-3)
    assert not list(model.parent.glob("*.partial"))


def test_both_hashes_and_scores_are_printed(
    model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    calibrated(model, "--data", pictures)
    printed = capsys.readouterr().out
    assert f"before: {model} sha256 {sha256}" in printed
    written = model.with_name("colours.calibrated.onnx")
    digest = hashlib.sha256(written.read_bytes()).hexdigest()
    assert f"after:  {written} sha256 {digest}" in printed
    assert "coverage 3.2%" in printed
    assert "each class by itself; 9 pictures needed" in printed
    for name in ("ECE, 15 bins of equal mass", "NLL", "Brier score"):
        assert any(line.startswith(name) and "→" in line for line in printed.splitlines())


def test_too_few_of_a_class_for_sets_of_its_own(model: Path, pictures: Path) -> None:
    calibrated(model, "--data", pictures, "--coverage", 0.95)
    conformal = json.loads(facts(model.with_name("colours.calibrated.onnx"))["scrapline.conformal"])
    assert conformal["kind"] == "marginal"
    assert len(set(conformal["least_probability"].values())) == 1


def test_refused(model: Path, pictures: Path, tmp_path: Path, refused: Refused) -> None:
    def line(*options: object) -> str:
        return refused("calibrate", model, "--data", pictures, *options)

    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    assert "needs 99 pictures in all, there are 31" in line("--coverage", 0.99)
    short = line("--coverage", 0.95, "--conformal", "class")
    assert "too few of blue 10, green 10, red 11" in short
    assert "say --in-place to replace it" in line("--out", tmp_path / "val/../colours.onnx")
    assert "not together with --out" in line("--out", tmp_path / "a.onnx", "--in-place")
    assert "must end in .onnx" in line("--out", tmp_path / "a.pt")
    assert "--coverage: " in line("--coverage", 1)
    (pictures / "blue/torn.png").write_bytes(b"torn")
    assert "torn.png: not a picture" in line()
    assert hashlib.sha256(model.read_bytes()).hexdigest() == sha256
    assert not (tmp_path / "colours.calibrated.onnx").exists()


def test_precision_that_no_threshold_reaches(model: Path, tmp_path: Path, refused: Refused) -> None:
    data = write_colours(
        tmp_path / "val", {"blue": [blue(150)] * 9, "green": [green(150)] * 9 + [red(200)]}
    )
    line = refused(
        "calibrate", model, "--data", data, "--precision", 0.99, "--conformal", "marginal"
    )
    assert "no threshold reaches it" in line
    assert "the best is 0.9474 at 100.0% coverage" in line


def test_pictures_that_are_all_right(model: Path, tmp_path: Path, refused: Refused) -> None:
    data = write_colours(tmp_path / "val", {"blue": [blue(150)] * 20})
    line = refused("calibrate", model, "--data", data)
    assert f"{data}: no temperature between" in line


def test_other_files_than_onnx(pictures: Path, tmp_path: Path, refused: Refused) -> None:
    line = refused("calibrate", tmp_path / "a.ts", "--data", pictures)
    assert "a.ts: calibrate changes .onnx files only" in line
    assert "missing.onnx" in refused("calibrate", tmp_path / "missing.onnx", "--data", pictures)


def test_model_calibrated_like_its_twin_answers_as_it(
    model: Path, pictures: Path, tmp_path: Path
) -> None:
    twin, out = tmp_path / "twin.onnx", tmp_path / "out.onnx"
    calibrated(model, "--data", pictures, "--out", twin)
    calibrated(model, "--like", twin, "--out", out)
    np.testing.assert_allclose(onnx_runner(out)(SEEN), onnx_runner(twin)(SEEN), atol=2e-7)
    wanted, given = facts(twin), facts(out)
    record = json.loads(given.pop("scrapline.calibration"))
    assert record.pop("twin_sha256") == hashlib.sha256(twin.read_bytes()).hexdigest()
    assert record == json.loads(wanted.pop("scrapline.calibration"))
    assert given == wanted
    calibrated(out, "--like", twin, "--in-place")  # it is as it should be already
    np.testing.assert_allclose(onnx_runner(out)(SEEN), onnx_runner(twin)(SEEN), atol=2e-7)


def test_like_refuses_what_is_no_calibrated_twin(
    model: Path, pictures: Path, tmp_path: Path, refused: Refused
) -> None:
    assert "is not calibrated itself" in refused("calibrate", model, "--like", model)
    twin = tmp_path / "twin.onnx"
    calibrated(model, "--data", pictures, "--out", twin)
    other = colour_model(tmp_path / "other.onnx", threshold="0.6", backbone="shades")
    assert "scrapline.backbone is colours" in refused("calibrate", other, "--like", twin)
    assert "--like" in refused("calibrate", model, "--like", twin, "--data", pictures)
    assert "--data: is required" in refused("calibrate", model)
