"""Several bad pictures are all named at once, whichever command comes upon them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from colour_models import blue, colour_model, green, red, write_colours

from training.cli import main
from training.dataset import Pictures
from training.errors import BadInput
from training.folders import read_folder
from training.unreadable import refusal

Refused = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of each class, three of them bad."""
    values = range(100, 250, 15)
    colours = {
        "blue": [blue(v) for v in values],
        "green": [green(v) for v in values],
        "red": [red(v) for v in values],
    }
    root = write_colours(tmp_path / "set", colours)
    for name in ("blue/003.png", "green/000.png", "red/009.png"):
        (root / name).write_bytes((root / name).read_bytes()[:40])
    return root


def names_all(line: str, root: Path) -> bool:
    named = all(str(root / n) in line for n in ("blue/003.png", "green/000.png", "red/009.png"))
    return named and "3 pictures are not readable" in line and "training audit" in line


def test_evaluate_and_calibrate_name_all(folder: Path, tmp_path: Path, refused: Refused) -> None:
    model = colour_model(tmp_path / "colours.onnx")
    out = tmp_path / "out"
    assert names_all(refused("evaluate", model, "--data", folder, "--out", out), folder)
    assert names_all(refused("calibrate", model, "--data", folder), folder)
    assert not out.exists()


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_training_names_all(folder: Path, memory_gb: float) -> None:
    with pytest.raises(BadInput) as caught:
        Pictures([read_folder(folder)], 32, lambda picture: picture, memory_gb)
    assert names_all(str(caught.value), folder)


def test_a_thousand_bad_pictures_are_a_line() -> None:
    line = str(refusal({Path(f"{number}.png"): "torn" for number in range(1000)}, "look"))
    assert line.endswith(", and 995 more; look")
    assert len(line) < 200


def test_a_name_that_is_no_text_stops_no_evaluation(folder: Path, tmp_path: Path) -> None:
    """Its answer is wrong, so its name stands on the page of errors."""
    for name in ("blue/003.png", "green/000.png", "red/009.png"):
        (folder / name).unlink()
    (folder / "blue/001.png").rename(folder / "red" / os.fsdecode(b"bl\xe9u.png"))
    (folder / "red/._a.png").touch()
    model = colour_model(tmp_path / "colours.onnx")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(model), "--data", str(folder), "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    assert r"bl\udce9u.png" in (tmp_path / "out/worst.html").read_text(encoding="utf-8")
