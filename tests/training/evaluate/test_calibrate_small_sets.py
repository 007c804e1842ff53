"""calibrate where pictures promise nothing: refused, or with --or-best marked in file and card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import onnxruntime as ort
from colour_models import Rgb, blue, colour_model, green, red, write_colours

from training.calibrate.promise import caution_of, pictures_for, too_few
from training.cli import main
from training.evaluate.interval import Share
from training.evaluate.risk_coverage import Choice
from training.report.figures_text import accuracy
from training.report.model_text import ReportedModel, calibration
from training.report.sources import Kind, Source

Refused = Callable[..., str]


def facts(path: Path) -> dict[str, str]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)


UNREACHED = {"blue": [blue(150)] * 9, "green": [green(150)] * 9 + [red(200)], "red": [red(150)] * 3}
ALL_RIGHT = {"blue": [blue(150)] * 20, "green": [green(150)] * 20, "red": [red(150)] * 18}
AT_CHANCE = {
    name: [make(150) for make in (blue, green, red)] * 5 for name in ("blue", "green", "red")
}
TINY = {"blue": [blue(150)], "green": [green(160), red(170)], "red": [red(180)]}


@pytest.mark.parametrize(
    ("pictures", "cautions"),
    [
        (UNREACHED, ["no threshold reaches a precision of 0.99; this is the best there is: 21 of"]),
        (ALL_RIGHT, ["no temperature fits, with 58 of 58 pictures right", "no promise"]),
        (AT_CHANCE, ["no temperature fits, with 15 of 45 pictures right", "no threshold reaches"]),
        (TINY, ["no conformal sets: they need 9 pictures, there are 4", "no promise"]),
    ],
    ids=["unreached", "all right", "at chance", "tiny"],
)
def test_the_best_there_is_is_marked(
    pictures: dict[str, list[Rgb]],
    cautions: list[str],
    tmp_path: Path,
    refused: Refused,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = colour_model(tmp_path / "colours.onnx", conformal="{}")
    data, out = write_colours(tmp_path / "held-back", pictures), tmp_path / "out.onnx"
    line = refused("calibrate", model, "--data", data, "--out", out)
    assert "--or-best goes on with the best there is, and marks the file" in line
    assert not out.exists()

    with pytest.raises(SystemExit) as ended:
        main(["calibrate", str(model), "--data", str(data), "--out", str(out), "--or-best"])
    assert ended.value.code == 0
    record = json.loads(facts(out)["scrapline.calibration"])
    said, card = capsys.readouterr().out, calibration(ReportedModel.open(out)).text
    for caution in cautions:
        assert any(caution in each for each in record["cautions"])
        assert caution in said
        assert caution in card
    assert 0 < float(facts(out)["scrapline.threshold"]) <= 1
    assert ("scrapline.conformal" in facts(out)) is (pictures is not TINY)


@pytest.mark.parametrize(
    ("part", "caution"),
    [("val", "a little too good"), ("train", "has learnt these"), ("calibration", ""), ("new", "")],
)
def test_what_is_not_clean_says_so_where_it_stands(
    part: str, caution: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = colour_model(tmp_path / "colours.onnx"), tmp_path / "out.onnx"
    data = write_colours(tmp_path / "set" / part, UNREACHED)
    for command in (
        ("calibrate", model, "--data", data, "--out", out, "--precision", 0.9),
        ("evaluate", model, "--data", data, "--out", tmp_path / "evaluated"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, command)])
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert caution in said
        assert caution or not any(words in said for words in ("too good", "has learnt"))
    section = calibration(ReportedModel.open(out)).text
    assert caution in section
    assert ("which chose nothing else" in section) is (part == "calibration")
    evaluated = tmp_path / "evaluated/metrics.json"
    figures = json.loads(evaluated.read_text())
    [judged] = accuracy([Source(Kind.EVALUATE, evaluated, figures, None)], [])
    assert ("**Not clean: " in judged.text) is bool(caution)


def test_how_many_pictures_show_a_precision() -> None:
    assert [pictures_for(p) for p in (0.95, 0.98, 0.99)] == [59, 149, 299]
    assert pictures_for(1.0) is None
    assert list(too_few(299, 0.99, 0.9)) == []
    assert "299 are, without an error" in next(too_few(298, 0.99, 0.9))
    assert len(list(too_few(8, 0.99, 0.9))) == 2


def test_a_threshold_that_enough_pictures_reach_is_a_promise() -> None:
    assert caution_of(Choice(0.5, Share(299, 299), 1.0), 0.99) is None
    assert "no promise" in str(caution_of(Choice(0.5, Share(298, 298), 1.0), 0.99))
    assert "no threshold" in str(caution_of(Choice(0.5, Share(390, 400), 1.0), 0.99))
