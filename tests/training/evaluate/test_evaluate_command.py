"""evaluate: every kind of model file, known figures, what it leaves, what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
import onnx
import torch
from colour_models import (
    COLOURS,
    blue,
    colour_graph,
    colour_model,
    green,
    red,
    sureness,
    with_further_outputs,
    write_colours,
)
from PIL import Image

from training.cli import main
from training.evaluate.engines import onnx_engine
from training.evaluate.model_file import ModelFile
from training.export.contract import FileFacts
from training.export.network import torchscript_of

Refused = Callable[..., str]

# Two of seven are wrong: a strong red among the greens, a weak green among the reds.
PICTURES = {
    "blue": [blue(200), blue(100)],
    "green": [green(150), red(180)],
    "red": [red(120), red(220), green(1)],
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return colour_model(tmp_path / "colours.onnx")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_colours(tmp_path / "pictures", PICTURES)


def evaluated(*arguments: object) -> dict[str, Any]:
    out = Path(str(arguments[list(arguments).index("--out") + 1]))
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *(str(argument) for argument in arguments)])
    assert ended.value.code == 0
    figures: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return figures


def test_known_figures(model: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    figures = evaluated(model, "--data", pictures, "--out", out, "--precision", 0.75)
    assert (figures["accuracy"]["right"], figures["accuracy"]["pictures"]) == (5, 7)
    assert figures["per_class"]["green"] == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "pictures": 2,
    }
    of_true = [sureness(v) for v in (200, 100, 150, 120, 220)]
    wrong = [(1 - sureness(180)) / 2, (1 - sureness(1)) / 2]
    nll = -np.log([*of_true, *wrong]).mean()
    assert figures["calibration"]["before"]["nll"] == pytest.approx(nll, rel=1e-5)
    # By confidence 220 200 180! 150 120 100 1!: precision 5/6 before the last, 5/7 with it.
    [point] = figures["selection"]["at_precision"]
    assert point["reached"]["coverage"] == pytest.approx(6 / 7)
    assert point["reached"]["threshold"] == pytest.approx(sureness(100), rel=1e-6)
    aurc = (0 + 0 + 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6 + 2 / 7) / 7
    assert figures["selection"]["aurc"] == pytest.approx(aurc)
    assert figures["calibration"]["after"] is None
    assert figures["novelty"] is None
    assert figures["latency"]["pictures"] == 7


def test_files_left(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    evaluated(model, "--data", pictures, "--out", out)
    for name in ("confusion.png", "risk_coverage.png", "reliability.png"):
        with Image.open(out / name) as picture:
            assert min(picture.size) > 300
    with (out / "risk_coverage.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["accepted"] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[-1]["right"] == "5"
    with (out / "confusion.csv").open(newline="") as file:
        assert list(csv.reader(file))[2] == ["green", "0", "1", "1"]
    printed = capsys.readouterr().out
    assert "(5 of 7)" in printed
    assert "15 bins of equal mass" in printed


def test_page_of_errors(model: Path, pictures: Path, tmp_path: Path) -> None:
    evaluated(model, "--data", pictures, "--out", tmp_path, "--worst", 1)
    page = (tmp_path / "worst.html").read_text()
    assert "2 of 7 pictures" in page
    surest, *pairs = page.split("<h2>")[1:]
    assert surest.count("<img") == 1
    assert "green/001.png" in surest
    assert len(pairs) == 2
    assert page.count('src="data:image/jpeg;base64,') == page.count("src=") == 3


def test_class_names_cannot_write_the_page(model: Path, tmp_path: Path) -> None:
    classes = ["blue", "<b>green", "red"]
    colour_model(model, classes=json.dumps(classes))
    data = write_colours(tmp_path / "data", {"<b>green": [red(100)], "red": [red(9)]})
    evaluated(model, "--data", data, "--out", tmp_path / "out")
    page = (tmp_path / "out/worst.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;green" in page


def test_temperature_from_other_pictures(model: Path, pictures: Path, tmp_path: Path) -> None:
    """Nine of ten are right at one confidence: the temperature makes that confidence 0.9."""
    other = {
        name: [colour(200)] * 9 for name, colour in zip(COLOURS, (blue, green, red), strict=True)
    }
    write_colours(tmp_path / "other", {**other, "blue": [*other["blue"], *[green(200)] * 3]})
    figures = evaluated(
        model,
        *("--data", pictures, "--out", tmp_path / "out"),
        *("--calibrate-on", tmp_path / "other"),
    )
    calibration = figures["calibration"]
    assert sureness(200, calibration["temperature"]) == pytest.approx(0.9, abs=1e-4)
    assert calibration["after"]["nll"] != calibration["before"]["nll"]


def test_novel_things(model: Path, pictures: Path, tmp_path: Path) -> None:
    strange = write_colours(tmp_path / "strange", {"deep/er": [(0, 0, 0), (200, 200, 200)]})
    figures = evaluated(model, "--data", pictures, "--out", tmp_path / "out", "--novel", strange)
    found = figures["novelty"]
    assert found["pictures"] == 2
    # Neither is surer than any picture; black has the lowest logits of all, white the highest.
    assert found["scores"]["max probability"]["auroc"] == 1.0
    assert found["scores"]["entropy"]["auroc"] == 1.0
    assert found["scores"]["energy"]["auroc"] == pytest.approx(0.5)
    # A known picture has fewer than five neighbours of its colour; black and white are between all.
    assert found["scores"]["neighbour 5"]["auroc"] == 0.0


def test_gain_and_cost_of_ways(model: Path, pictures: Path, tmp_path: Path) -> None:
    """A plain colour looks the same mirrored; padding, a little red, mends the faint green."""
    figures = evaluated(
        model, "--data", pictures, "--out", tmp_path / "out", "--tta", "--letterbox"
    )
    ways = {way["shown"]: way for way in figures["ways"]}
    assert list(ways) == ["as it is", "letterbox", "flips", "letterbox + flips"]
    assert figures["shown"] == "letterbox + flips"
    assert ways["flips"]["nll"] == pytest.approx(ways["as it is"]["nll"], rel=1e-5)
    assert ways["letterbox"]["brier"] != pytest.approx(ways["as it is"]["brier"], rel=1e-3)
    gained = ways["letterbox"]
    assert (gained["mended"], gained["broken"], gained["p_value"]) == (1, 0, 1.0)
    assert gained["gain"] == pytest.approx(1 / 7)
    assert all(way["latency"]["median_ms"] > 0 for way in ways.values())


def test_a_class_without_pictures_is_left_out_of_the_means(model: Path, tmp_path: Path) -> None:
    data = write_colours(tmp_path / "data", {"red": [red(90), green(90)]})
    figures = evaluated(model, "--data", data, "--out", tmp_path / "out")
    assert figures["macro"]["recall"] == 0.5
    assert figures["per_class"]["blue"]["pictures"] == 0


def test_checkpoint_and_run_folder(finished_run: Path, data: Path, tmp_path: Path) -> None:
    wanted = json.loads((finished_run / "metrics.json").read_text())["val"]
    by_folder = evaluated(finished_run, "--data", data / "val", "--out", tmp_path)
    assert by_folder["accuracy"]["value"] == pytest.approx(wanted["accuracy"])
    assert by_folder["model"]["file"].endswith("best.pt")
    by_file = evaluated(
        finished_run / "best.pt",
        *("--data", data / "val", "--out", tmp_path, "--novel", data / "train/brown"),
    )
    assert by_file["calibration"] == by_folder["calibration"]
    scores = by_file["novelty"]["scores"]
    assert list(scores) == ["max probability", "entropy", "energy", "neighbour 5"]


def test_torchscript(pictures: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 3, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    facts = FileFacts(COLOURS, (8, 8), "tiny", "by hand", 0.5, temperature=1.5)
    (tmp_path / "tiny.ts").write_bytes(torchscript_of(network, facts))
    strange = write_colours(tmp_path / "strange", {"x": [(9, 9, 9)]})
    figures = evaluated(
        tmp_path / "tiny.ts", "--data", pictures, "--out", tmp_path / "out", "--novel", strange
    )
    assert figures["model"]["kind"] == "TorchScript"
    assert figures["model"]["temperature"] == 1.5
    assert set(figures["novelty"]["scores"]) == {"max probability", "entropy"}


IMAGE = np.full((1, 4, 4, 3), (100, 50, 0), dtype=np.uint8)


def test_energy_and_embedding_are_read_off_where_the_file_does_not_give_them() -> None:
    shown = onnx_engine(colour_graph().SerializeToString()).ask(IMAGE)
    np.testing.assert_allclose(shown.energy, [-np.log(1 + np.e + np.e**2)], atol=1e-5)
    np.testing.assert_allclose(shown.embedding, [[100, 50, 0]], atol=1e-4)
    hidden = onnx_engine(colour_graph(softmax=False).SerializeToString()).ask(IMAGE)
    assert hidden.energy is None
    np.testing.assert_allclose(hidden.probabilities, shown.probabilities, atol=1e-6)


def test_energy_and_embedding_of_the_file_itself_count() -> None:
    model = with_further_outputs(colour_graph(), energy_scale=2)
    given = onnx_engine(model.SerializeToString()).ask(IMAGE)
    np.testing.assert_allclose(given.energy, [-2 * np.log(1 + np.e + np.e**2)], atol=1e-5)
    np.testing.assert_allclose(given.embedding, [[0, 50, 100]], atol=1e-4)


def test_class_names_beside_the_file(tmp_path: Path) -> None:
    onnx.save(colour_graph(), str(tmp_path / "bare.onnx"))
    (tmp_path / "bare.class_index.json").write_text('{"0": "x", "1": "y", "2": "z"}')
    assert ModelFile.open(tmp_path / "bare.onnx").classes == ("x", "y", "z")


def test_models_refused(pictures: Path, tmp_path: Path, refused: Refused) -> None:
    def line(model: Path) -> str:
        said = refused("evaluate", model, "--data", pictures, "--out", tmp_path / "out")
        assert str(model) in said
        return said

    (tmp_path / "torn.onnx").write_bytes(b"torn")
    (tmp_path / "torn.ts").write_bytes(b"torn")
    (tmp_path / "torn.pt").write_bytes(b"torn")
    onnx.save(colour_graph(), str(tmp_path / "bare.onnx"))
    assert "not a model that ONNX Runtime can load" in line(tmp_path / "torn.onnx")
    assert "not a TorchScript model" in line(tmp_path / "torn.ts")
    assert "not a checkpoint" in line(tmp_path / "torn.pt")
    assert "names no classes" in line(tmp_path / "bare.onnx")
    assert "No such file" in line(tmp_path / "missing.onnx")
    assert "not a model (.onnx, .ts, .pt or a run folder)" in line(tmp_path / "model.bin")
    four = colour_model(tmp_path / "four.onnx", classes='["a", "b", "c", "d"]')
    assert "for 4 class names" in line(four)
    hot = colour_model(tmp_path / "hot.onnx", temperature="warm")
    assert "scrapline.temperature 'warm' is not a positive number" in line(hot)


def test_pictures_refused(model: Path, pictures: Path, tmp_path: Path, refused: Refused) -> None:
    def line(data: Path, *options: object) -> str:
        return refused("evaluate", model, "--data", data, "--out", tmp_path / "out", *options)

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "missing: no such folder" in line(tmp_path / "missing")
    assert "empty: no class folders" in line(empty)
    assert "empty: no pictures" in line(pictures, "--novel", empty)
    assert "is --data itself" in line(pictures, "--calibrate-on", pictures)
    assert "--precision: must be above 0" in line(pictures, "--precision", 1.5)
    purple = write_colours(tmp_path / "purple", {"purple": [(90, 0, 90)]})
    assert "purple: class is not one of blue, green, red" in line(purple)
    (pictures / "red/torn.png").write_bytes(b"torn")
    assert "torn.png: not a picture" in line(pictures)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").touch()
    assert "out: exists and is not a folder" in line(tmp_path / "purple")
