"""refit: models of plain colours, taught on a belt where red things are called blue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from colour_models import blue, colour_model, green, red, write_colours

from training.cli import main
from training.evaluate.engines import Answer, onnx_engine

Refused = Callable[..., str]
VALUES = range(100, 220, 6)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.onnx; labels/, the belt's pictures, and old/, those that the model is right on."""
    folder = tmp_path_factory.mktemp("refit")
    colour_model(folder / "model.onnx", threshold="0.9", calibration="{}")
    write_colours(folder / "labels", {"blue": [*map(red, VALUES)], "green": [*map(green, VALUES)]})
    write_colours(folder / "old", {"blue": [*map(blue, VALUES)]})
    write_colours(folder / "few", {"blue": [red(100)] * 20, "green": [green(100)] * 9})
    write_colours(folder / "alike", {"blue": [red(100)] * 40})
    write_colours(folder / "strange", {"brass": [red(100)] * 40})
    return folder


@pytest.fixture(scope="module")
def refitted(root: Path) -> Path:
    """The file that has learnt labels/ and not forgotten old/."""
    data = ("--data", root / "labels", "--old-data", root / "old")
    out = ("--out", root / "new.onnx", "--report", root / "refit.json")
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in ("refit", root / "model.onnx", *data, *out)])
    assert ended.value.code == 0
    return root / "new.onnx"


def ask(model: Path, colour: tuple[int, int, int]) -> Answer:
    return onnx_engine(model.read_bytes()).ask(np.full((1, 6, 8, 3), colour, np.uint8))


def test_the_file_says_what_was_labelled_and_still_what_it_said_before(refitted: Path) -> None:
    said = {name: ask(refitted, colour) for name, colour in (("b", blue(160)), ("r", red(160)))}
    assert ask(refitted.with_name("model.onnx"), red(160)).probabilities.argmax() == 2
    assert said["r"].probabilities.argmax() == 0
    assert said["b"].probabilities.argmax() == 0
    assert ask(refitted, green(160)).probabilities.argmax() == 1


def test_the_report_counts_pictures_that_were_left_out(refitted: Path) -> None:
    report = json.loads((refitted.parent / "refit.json").read_text())
    labelled, old = report["labelled"], report["old"]
    assert report["pictures"] == {"blue": len(VALUES), "green": len(VALUES)}
    assert (labelled["before"]["right"], labelled["after"]["right"]) == (20, 40)
    assert (labelled["mended"], labelled["spoilt"]) == (20, 0)
    assert (old["before"]["right"], old["after"]["right"]) == (20, 20)
    assert labelled["after"]["low"] < 1.0


def test_its_facts_are_its_own(refitted: Path) -> None:
    facts = {entry.key: entry.value for entry in onnx.load(refitted).metadata_props}
    assert "scrapline.calibration" not in facts, "it was of another file"
    assert json.loads(facts["scrapline.refit"])["labelled"]["mended"] == 20
    assert 0 < float(facts["scrapline.threshold"]) < 1


def test_it_can_be_calibrated_again(refitted: Path, root: Path) -> None:
    # Wrong on purpose in some, so that a temperature fits.
    judged = {"blue": [*map(red, VALUES), green(120)], "green": [*map(green, VALUES), red(120)]}
    write_colours(root / "judged", judged)
    out = root / "calibrated.onnx"
    words = ("calibrate", refitted, "--data", root / "judged", "--out", out, "--or-best")
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 0
    assert ask(out, red(160)).probabilities.argmax() == 0


@pytest.mark.parametrize(
    ("model", "data", "out", "said"),
    [
        ("new.onnx", "labels", "again.onnx", "new.onnx: was refitted itself"),
        ("model.onnx", "few", "again.onnx", "few: 29 labelled pictures; 30 are needed"),
        ("model.onnx", "alike", "again.onnx", "alike: pictures of one class alone"),
        ("model.onnx", "strange", "again.onnx", "brass: class is not one of blue, green, red"),
        ("model.onnx", "labels", "new.onnx", "new.onnx: is there already"),
        ("model.onnx", "labels", "again.pt", "again.pt: must end in .onnx"),
    ],
)
@pytest.mark.usefixtures("refitted")
def test_what_cannot_be_done_is_one_line(
    root: Path, refused: Refused, model: str, data: str, out: str, said: str
) -> None:
    assert said in refused("refit", root / model, "--data", root / data, "--out", root / out)
    assert not (root / "again.onnx").exists()
